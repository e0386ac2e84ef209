"""What turns rows into other rows: registered with skl2onnx, in the precision that scikit-learn has at that place.

scikit-learn keeps float32 rows float32 in scalers and imputers, and makes float64 of texts. The graph does the same, so
that each number is rounded when scikit-learn rounds it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

from train.converters.answers import Inputs
from train.converters.graph import DOUBLE, FLOAT, Graph

Transform = Callable[[Graph, Any, Inputs], str]
Width = Callable[[Any], int]
Precision = Callable[[Any], Any]


class _Known(NamedTuple):
    transform: Transform
    width: Width
    dtype: Precision


_TRANSFORMERS: dict[type, _Known] = {}


def transformer(*models: type, width: Width, dtype: Precision = lambda _: None) -> Callable[[Transform], Transform]:
    """Declare that a function writes the rows [n, width] that these give, in a precision or the one they had."""

    def remember(function: Transform) -> Transform:
        _TRANSFORMERS.update(dict.fromkeys(models, _Known(function, width, dtype)))
        return function

    return remember


def register_transformers() -> None:
    """Make skl2onnx use what was declared."""
    for model in _TRANSFORMERS:
        update_registered_converter(model, f"Copse{model.__name__}", _shape, _rows)


def columns_of(graph: Graph, inputs: Inputs) -> list[tuple[str, bool]]:
    """Return each column [n, 1] of one or more tensors, and whether it holds texts."""
    found = []
    for variable in inputs.variables:
        width, texts = variable.type.shape[1], isinstance(variable.type, StringTensorType)
        for column in range(width):
            name = graph.columns(variable.full_name, [column]) if width > 1 else variable.full_name
            found.append((name, texts))
    return found


def _rows(scope: Any, operator: Any, container: Any) -> None:
    """Write the new rows (the signature is skl2onnx's)."""
    graph, output = Graph(scope, container), operator.outputs[0]
    known = _TRANSFORMERS[type(operator.raw_operator)]
    rows = known.transform(graph, operator.raw_operator, Inputs(list(operator.inputs)))
    if isinstance(output.type, StringTensorType):
        graph.add("Identity", rows, output=output.full_name)
    else:
        to = DOUBLE if isinstance(output.type, DoubleTensorType) else FLOAT
        graph.add("Cast", rows, output=output.full_name, to=to)


def _shape(operator: Any) -> None:
    first, known = operator.inputs[0], _TRANSFORMERS[type(operator.raw_operator)]
    shape = [first.get_first_dimension(), known.width(operator.raw_operator)]
    dtype = known.dtype(operator.raw_operator)
    if dtype is None and isinstance(first.type, StringTensorType | FloatTensorType):
        operator.outputs[0].set_type(type(first.type)(shape))
    else:  # scikit-learn makes whole numbers and truth values float64
        operator.outputs[0].set_type((FloatTensorType if dtype == np.float32 else DoubleTensorType)(shape))
