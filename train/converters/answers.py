"""What answers: classifiers and regressors, registered with skl2onnx, and reached from estimators that hold others.

Inside a graph probabilities, scores and predictions are float64, as in scikit-learn; those that leave it are float32.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx._parse import _parse_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.base import is_classifier

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

_CLASSIFIERS: dict[type, Classify] = {}
_REGRESSORS: dict[type, Predict] = {}
_DECISIONS: dict[type, Predict] = {}


def classifier(*models: type) -> Callable[[Classify], Classify]:
    """Declare that a function writes the answer of these classifiers."""
    return _declare(_CLASSIFIERS, models)


def regressor(*models: type) -> Callable[[Predict], Predict]:
    """Declare that a function writes the float64 prediction [n, 1] of these regressors."""
    return _declare(_REGRESSORS, models)


def decision(*models: type) -> Callable[[Predict], Predict]:
    """Declare that a function writes a decision_function, float64 [n, 1] for two classes, else [n, classes]."""
    return _declare(_DECISIONS, models)


def _declare(known: dict[type, Any], models: tuple[type, ...]) -> Callable[[Any], Any]:
    def remember(function: Any) -> Any:
        known.update(dict.fromkeys(models, function))
        return function

    return remember


def register_answers() -> None:
    """Make skl2onnx use what was declared."""
    for model in _CLASSIFIERS:
        update_registered_converter(model, f"Copse{model.__name__}", _shapes_of_classes, _classes, options=OPTIONS)
    for model in _REGRESSORS:
        update_registered_converter(model, f"Copse{model.__name__}", _shape_of_prediction, _prediction)


def classify(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Write the answer of a classifier inside another estimator."""
    if type(model) in _CLASSIFIERS:
        return _CLASSIFIERS[type(model)](graph, model, inputs)
    label, probabilities = _foreign(graph, model, inputs)
    classes = model.classes_.tolist()
    kind = "strings" if isinstance(classes[0], str) else "int64s"
    keys = {f"keys_{kind}": classes, "values_int64s": list(range(len(classes)))}
    return Answer(graph.add("LabelEncoder", label, **keys), graph.double(probabilities))


def predict(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the float64 prediction [n, 1] of a regressor inside another estimator."""
    if type(model) in _REGRESSORS:
        return _REGRESSORS[type(model)](graph, model, inputs)
    return graph.reshape(graph.double(_foreign(graph, model, inputs)[0]), -1, 1)


def decide(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the decision_function of a classifier inside another estimator.

    Raises:
        ValueError: it is not known how.

    """
    if type(model) not in _DECISIONS:
        raise ValueError(f"the decision function of {type(model).__name__} inside another estimator is not known")
    return _DECISIONS[type(model)](graph, model, inputs)


def has_decision(model: Any) -> bool:
    """Return whether scikit-learn would ask the estimator for a decision_function rather than for probabilities."""
    return hasattr(model, "decision_function")


def _foreign(graph: Graph, model: Any, inputs: Inputs) -> list[str]:
    """Leave an estimator to skl2onnx and return the names of its outputs."""
    for part in [model, *(step for _, step in getattr(model, "steps", []))]:
        if is_classifier(part):
            graph.scope.add_options(id(part), {"zipmap": False})
            graph.container.add_options(id(part), {"zipmap": False})
    return [output.full_name for output in _parse_sklearn(graph.scope, model, inputs.variables)]


def _classes(scope: Any, operator: Any, container: Any) -> None:
    """Write label and probabilities (the signature is skl2onnx's)."""
    graph, model = Graph(scope, container), operator.raw_operator
    answer = _CLASSIFIERS[type(model)](graph, model, Inputs(list(operator.inputs)))
    label, probabilities = operator.outputs
    graph.add("Gather", graph.constant(np.asarray(model.classes_)), answer.winner, output=label.full_name)
    graph.add("Cast", answer.probabilities, output=probabilities.full_name, to=_outside(probabilities))


def _prediction(scope: Any, operator: Any, container: Any) -> None:
    graph, model = Graph(scope, container), operator.raw_operator
    prediction = _REGRESSORS[type(model)](graph, model, Inputs(list(operator.inputs)))
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
