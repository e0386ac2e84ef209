"""Numbers that a model takes: none too large, and none missing where none may be."""

import numpy as np

from serve.errors import WrongValues
from serve.onnx_runtime import Inputs, MixedRows, Rows
from serve.signature import Signature


def check_rows(rows: Inputs, signature: Signature, *, single: bool) -> None:
    """Refuse the first number in rows that the model does not take; of a `single` row no position is told.

    Raises:
        WrongValues: it is too large, or missing (NaN) where none may be.

    """
    numbers: Rows = rows.numbers if isinstance(rows, MixedRows) else rows
    if np.abs(numbers).max(initial=0) <= signature.largest:
        return
    bad = (np.abs(numbers) > signature.largest) | (np.isnan(numbers) & signature.always_there)
    if not bad.any():
        return
    row, column = (int(index) for index in np.argwhere(bad)[0])
    sentence, expected = signature.too_large()
    if np.isnan(numbers[row, column]):
        sentence, expected = "a value is missing; training saw none missing here", "a number"
    name = signature.names[signature.numbers[column]]
    raise WrongValues(sentence, **({} if single else {"row": row}), column=name, expected=expected)
