"""An imported graph in the place of the original model: nothing else is there that it could be compared with.

It is asked for each row alone. So what it is compared with, the same graph asked for many rows at once, must answer
every row as if it were the only one.
"""

from collections.abc import Mapping

import numpy as np

from train.importing.outputs import Given
from train.onnx_runtime import ONNX_RUNTIME_ERRORS, Session
from train.original import Answers, Original
from train.schema import Rows, Schema


class Imported(Original):
    """A graph as it is served, with the columns that it takes; `limits` says how large whole numbers may be in some."""

    def __init__(self, content: bytes, schema: Schema, given: Given, limits: Mapping[int, float]) -> None:
        """Load the graph.

        Raises:
            ExportRefused: ONNX Runtime cannot load it.

        """
        self.model = None
        self.schema = schema
        self.classifies = bool(given.classes)
        self.classes = np.array(given.classes, dtype=object if given.texts else np.int64)
        self.has_probabilities = self.classifies and given.numbers is not None
        self._session = Session(content)
        self._limits = limits

    def _answers(self, rows: Rows) -> Answers:
        for column, limit in self._limits.items():
            if not np.all(np.abs(rows[:, column]) <= limit):
                raise ValueError("a column of whole numbers does not hold such a value")
        try:
            alone = [self._session.run(self.schema.inputs(row[None, :])) for row in rows]
        except ONNX_RUNTIME_ERRORS as error:
            raise ValueError(str(error).splitlines()[0]) from error
        labels, probabilities = (np.concatenate(part) for part in zip(*alone, strict=True))
        if self.classifies and not np.isin(labels, self.classes).all():
            raise ValueError("a label is none of the classes")
        return labels, probabilities
