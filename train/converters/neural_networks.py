"""Neural networks: layer after layer, rounded to scikit-learn's precision between them."""

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from train.converters.answers import Answer, Inputs, classifier, regressor
from train.converters.graph import INT64, Graph
from train.converters.linear import linear
from train.converters.links import both_classes, sigmoid, softmax
from train.converters.precision import onnx_type

_NODES = {"relu": "Relu", "tanh": "Tanh", "exp": "Exp"}


@classifier(MLPClassifier)
def classify(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Let the largest output win, or of one output whether it is above a half.

    Raises:
        ValueError: a row may have several labels.

    """
    if model.out_activation_ == "softmax":
        outputs = _outputs(graph, model, inputs)
        return Answer(graph.winner(outputs), outputs)
    if model.n_outputs_ > 1:
        raise ValueError("rows with several labels cannot be answered; fit a classifier for each label")
    second = _outputs(graph, model, inputs)
    above = graph.cast(graph.add("Greater", second, graph.constant(0.5)), INT64)
    return Answer(graph.reshape(above, -1), both_classes(graph, second))


@regressor(MLPRegressor)
def predict(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give the only output.

    Raises:
        ValueError: there are several.

    """
    if model.n_outputs_ > 1:
        raise ValueError("a network with several outputs cannot be exported; fit one for each output")
    return _outputs(graph, model, inputs)


def _outputs(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the last layer's outputs [n, outputs]."""
    values, dtype = inputs.rows, np.result_type(inputs.dtype, *model.coefs_)
    activations = [model.activation] * (model.n_layers_ - 2) + [model.out_activation_]
    for weights, biases, activation in zip(model.coefs_, model.intercepts_, activations, strict=True):
        sums = linear(graph, values, dtype, weights.T, biases)
        values = graph.cast(_activated(graph, sums, activation), onnx_type(dtype))
    return graph.double(values)


def _activated(graph: Graph, values: str, activation: str) -> str:
    if activation == "identity":
        return values
    if activation == "logistic":
        return sigmoid(graph, values)
    if activation == "softmax":
        return softmax(graph, values)
    return graph.add(_NODES[activation], values)
