"""Estimators inside others: a vote, a stack, a calibration asks the estimators that it holds.

Those that Copse converts write themselves into the graph; the others are left to skl2onnx.
"""

from typing import Any

import numpy as np
from skl2onnx._parse import _parse_sklearn
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from train.converters.answers import CLASSIFIERS, DECISIONS, REGRESSORS, Answer, Inputs
from train.converters.graph import Graph


def classify(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Write the answer of a classifier; the winner is a position in its own classes."""
    model, inputs = _final(graph, model, inputs)
    if type(model) in CLASSIFIERS:
        return CLASSIFIERS[type(model)](graph, model, inputs)
    label, probabilities = _foreign(graph, model, inputs)
    classes = model.classes_.tolist()
    kind = "strings" if isinstance(classes[0], str) else "int64s"
    keys = {f"keys_{kind}": classes, "values_int64s": list(range(len(classes)))}
    return Answer(graph.add("LabelEncoder", label, **keys), graph.double(probabilities))


def predict(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the prediction of a regressor, float64 [n, 1]."""
    model, inputs = _final(graph, model, inputs)
    if type(model) in REGRESSORS:
        return REGRESSORS[type(model)](graph, model, inputs)
    return graph.reshape(graph.double(_foreign(graph, model, inputs)[0]), -1, 1)


def decide(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the decision_function of a classifier, float64 [n, 1] for two classes, else [n, classes].

    Raises:
        ValueError: it is not known how.

    """
    model, inputs = _final(graph, model, inputs)
    if type(model) not in DECISIONS:
        raise ValueError(f"the decision function of {type(model).__name__} inside another estimator is not known")
    return DECISIONS[type(model)](graph, model, inputs)


def score(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write decision_function, or probabilities where there is none; for two classes one column, else [n, classes]."""
    if hasattr(model, "decision_function"):
        return decide(graph, model, inputs)
    probabilities = classify(graph, model, inputs).probabilities
    return graph.columns(probabilities, [1]) if len(model.classes_) == 2 else probabilities


def chosen(graph: Graph, answer: Answer, values: Any) -> str:
    """Return for each row the values [width] of its winner among values [classes, width]."""
    return graph.add("Gather", graph.constant(np.asarray(values, dtype=np.float64)), answer.winner)


def some_columns(graph: Graph, inputs: Inputs, columns: Any, width: int) -> Inputs:
    """Return the inputs with some of the columns only."""
    if list(columns) == list(range(width)):
        return inputs
    return made_rows(graph, graph.columns(inputs.rows, columns), type(inputs.variables[0].type), len(columns))


def made_rows(graph: Graph, name: str, kind: type = DoubleTensorType, width: int | None = None) -> Inputs:
    """Return a tensor of the graph as inputs of an estimator."""
    variable = graph.scope.declare_local_variable("rows", kind([None, width]))
    graph.add("Identity", name, output=variable.full_name)
    return Inputs([variable])


def _final(graph: Graph, model: Any, inputs: Inputs) -> tuple[Any, Inputs]:
    """Return the estimator that answers, and what reaches it through the steps before."""
    if isinstance(model, FrozenEstimator):
        return _final(graph, model.estimator, inputs)
    if not isinstance(model, Pipeline):
        return model, inputs
    for _, step in model.steps[:-1]:
        if step is not None and step != "passthrough":
            before = set(graph.scope.operators)
            inputs = Inputs(list(_parse_sklearn(graph.scope, step, inputs.variables)))
            for name, operator in list(graph.scope.operators.items()):
                if name not in before:
                    operator.infer_types()
    return _final(graph, model.steps[-1][1], inputs)


def _foreign(graph: Graph, model: Any, inputs: Inputs) -> list[str]:
    """Leave an estimator to skl2onnx and return the names of its outputs."""
    if is_classifier(model):
        graph.scope.add_options(id(model), {"zipmap": False})
        graph.container.add_options(id(model), {"zipmap": False})
    return [output.full_name for output in _parse_sklearn(graph.scope, model, inputs.variables)]
