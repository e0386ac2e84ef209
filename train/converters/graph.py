"""A graph in the making: ONNX nodes, constants and casts, added to skl2onnx's container one after another."""

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, numpy_helper

ML_DOMAIN = "ai.onnx.ml"
ML_OPSET = 3
OPSET = 17
BOOL, FLOAT, DOUBLE, INT64 = TensorProto.BOOL, TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64

_MACHINE_LEARNING = {"LabelEncoder", "TreeEnsembleRegressor"}


class Graph:
    """Adds nodes and names what they give; names are unique in the whole model."""

    def __init__(self, scope: Any, container: Any) -> None:
        self.scope = scope
        self.container = container

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        output = output or self.name(kind.lower())
        name = self.scope.get_unique_operator_name(kind)
        ml = kind in _MACHINE_LEARNING
        self.container.add_node(
            kind,
            list(inputs),
            [output],
            op_domain=ML_DOMAIN if ml else "",
            op_version=ML_OPSET if ml else OPSET,
            name=name,
            **attributes,
        )
        return output

    def constant(self, values: Any) -> str:
        """Return the name of a tensor with these numbers or texts; Python's floats become float64."""
        array = np.asarray(values)
        name = self.name("constant")
        if array.dtype.kind in "UO":
            texts = [str(text).encode() for text in array.ravel()]
            self.container.add_initializer(name, TensorProto.STRING, list(array.shape), texts)
        else:
            self.container.add_initializer(name, None, None, numpy_helper.from_array(np.asarray(array, order="C")))
        return name

    def cast(self, name: str, to: int) -> str:
        """Cast a tensor; a cast to what it already is costs nothing at run time."""
        return self.add("Cast", name, to=to)

    def double(self, name: str) -> str:
        """Return a tensor as float64."""
        return self.cast(name, DOUBLE)

    def single(self, name: str) -> str:
        """Return a tensor as float32."""
        return self.cast(name, FLOAT)

    def whole(self, name: str) -> str:
        """Return a tensor as whole numbers."""
        return self.cast(name, INT64)

    def columns(self, name: str, indices: npt.ArrayLike) -> str:
        """Return some columns of a tensor, or along its second axis one number alone, without that axis."""
        return self.add("Gather", name, self.constant(np.asarray(indices, dtype=np.int64)), axis=1)

    def concat(self, *names: str) -> str:
        """Return the columns of several tensors side by side."""
        return self.add("Concat", *names, axis=1) if len(names) > 1 else names[0]

    def reshape(self, name: str, *shape: int) -> str:
        """Return a tensor in another shape; 0 stands for the size that it has there."""
        return self.add("Reshape", name, self.constant(np.array(shape, dtype=np.int64)))

    def winner(self, scores: str) -> str:
        """Return for each row the first of the columns with the largest value, as numpy's argmax does."""
        return self.add("ArgMax", scores, axis=1, keepdims=0)

    def total(self, terms: str, count: int) -> str:
        """Add up along the second axis from first to last, as a loop does; the order decides the last bit."""
        return self.columns(self.add("CumSum", terms, self.constant(np.int64(1))), count - 1)

    def smallest_first(self, values: str, count: int) -> tuple[str, str]:
        """Return the values [n, count] of each row in ascending order, and their positions."""
        ordered, order = self.name("ordered"), self.name("order")
        name = self.scope.get_unique_operator_name("TopK")
        inputs = [values, self.constant(np.array([count]))]
        self.container.add_node("TopK", inputs, [ordered, order], op_version=OPSET, name=name, axis=1, largest=0)
        return ordered, order

    def name(self, seed: str) -> str:
        """Return a name that nothing has yet."""
        unique: str = self.scope.get_unique_variable_name(seed)
        return unique
