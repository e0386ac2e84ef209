"""What answers: classifiers and regressors, registered with skl2onnx, and reached from estimators that hold others.

Inside a graph probabilities, scores and predictions are float64, as in scikit-learn; those that leave it are float32.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType

from train.converters.graph import DOUBLE, FLOAT, Graph

OPTIONS = {"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [False, True]}


class Inputs(NamedTuple):
    """What an estimator is given: skl2onnx's variables, as a rule one tensor of rows."""

    variables: list[Any]

    @property
    def rows(self) -> str:
        """The name of the one tensor of rows.

        Raises:
            ValueError: the estimator is given columns one by one.

        """
        if len(self.variables) != 1 or isinstance(self.variables[0].type, StringTensorType):
            raise ValueError("it needs columns of numbers only; put a ColumnTransformer before it")
        name: str = self.variables[0].full_name
        return name

    @property
    def texts(self) -> bool:
        """Whether the rows are texts."""
        return isinstance(self.variables[0].type, StringTensorType)

    @property
    def double(self) -> bool:
        """Whether the rows are float64 in scikit-learn too."""
        return isinstance(self.variables[0].type, DoubleTensorType)

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """The precision of the rows, in scikit-learn as in the graph."""
        return np.float32 if isinstance(self.variables[0].type, FloatTensorType) else np.float64


class Answer(NamedTuple):
    """A classifier's answer: the position of the class, int64 [n], and float64 probabilities or scores [n, classes]."""

    winner: str
    probabilities: str


Classify = Callable[[Graph, Any, Inputs], Answer]
Predict = Callable[[Graph, Any, Inputs], str]

CLASSIFIERS: dict[type, Classify] = {}
REGRESSORS: dict[type, Predict] = {}
DECISIONS: dict[type, Predict] = {}


def classifier(*models: type) -> Callable[[Classify], Classify]:
    """Declare that a function writes the answer of these classifiers."""
    return _declare(CLASSIFIERS, models)


def regressor(*models: type) -> Callable[[Predict], Predict]:
    """Declare that a function writes the float64 prediction [n, 1] of these regressors."""
    return _declare(REGRESSORS, models)


def decision(*models: type) -> Callable[[Predict], Predict]:
    """Declare that a function writes a decision_function, float64 [n, 1] for two classes, else [n, classes]."""
    return _declare(DECISIONS, models)


def _declare(known: dict[type, Any], models: tuple[type, ...]) -> Callable[[Any], Any]:
    def remember(function: Any) -> Any:
        known.update(dict.fromkeys(models, function))
        return function

    return remember


def register_answers() -> None:
    """Make skl2onnx use what was declared."""
    for model in CLASSIFIERS:
        update_registered_converter(model, f"Copse{model.__name__}", _shapes_of_classes, _classes, options=OPTIONS)
    for model in REGRESSORS:
        update_registered_converter(model, f"Copse{model.__name__}", _shape_of_prediction, _prediction)


def _classes(scope: Any, operator: Any, container: Any) -> None:
    """Write label and probabilities (the signature is skl2onnx's)."""
    graph, model = Graph(scope, container), operator.raw_operator
    answer = CLASSIFIERS[type(model)](graph, model, Inputs(list(operator.inputs)))
    label, probabilities = operator.outputs
    classes = np.asarray(model.classes_)
    classes = classes if classes.dtype.kind in "UO" else classes.astype(np.int64)
    graph.add("Gather", graph.constant(classes), answer.winner, output=label.full_name)
    graph.add("Cast", answer.probabilities, output=probabilities.full_name, to=_outside(probabilities))


def _prediction(scope: Any, operator: Any, container: Any) -> None:
    graph, model = Graph(scope, container), operator.raw_operator
    prediction = REGRESSORS[type(model)](graph, model, Inputs(list(operator.inputs)))
    output = operator.outputs[0]
    graph.add("Cast", prediction, output=output.full_name, to=_outside(output))


def _outside(variable: Any) -> int:
    return FLOAT if isinstance(variable.type, FloatTensorType) else DOUBLE


def _shapes_of_classes(operator: Any) -> None:
    rows, classes = operator.inputs[0].get_first_dimension(), np.asarray(operator.raw_operator.classes_)
    label, probabilities = operator.outputs
    label.set_type((StringTensorType if classes.dtype.kind in "UO" else Int64TensorType)([rows]))
    _set_type(probabilities, [rows, len(classes)])


def _shape_of_prediction(operator: Any) -> None:
    _set_type(operator.outputs[0], [operator.inputs[0].get_first_dimension(), 1])


def _set_type(variable: Any, shape: list[int | None]) -> None:
    """Only what leaves the graph is rounded to float32."""
    variable.set_type((FloatTensorType if variable.is_leaf else DoubleTensorType)(shape))
