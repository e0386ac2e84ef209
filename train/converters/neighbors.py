"""Nearest neighbours and nearest centroids: the model keeps its training rows, and every one of them is measured."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid

from model_repository import LARGEST_MODEL
from train.converters.answers import Answer, Inputs, classifier, regressor
from train.converters.distances import order_of_distances
from train.converters.graph import DOUBLE, Graph
from train.converters.links import row_sums, softmax
from train.guard.shapes import WIDEST_ROW

Doubles = npt.NDArray[np.float64]


@classifier(KNeighborsClassifier)
def classify(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Let the neighbours vote, each alike or each by how near it is.

    Raises:
        ValueError: there are too many rows or several outputs, or the distance or the weights are the user's own.

    """
    if model.outputs_2d_:
        raise ValueError("a model with several outputs cannot be exported; fit one for each output")
    votes = _neighbours_say(graph, model, inputs, np.eye(len(model.classes_))[model._y])  # noqa: SLF001
    return Answer(graph.winner(votes), graph.add("Div", votes, row_sums(graph, votes)))


@regressor(KNeighborsRegressor)
def predict(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give the mean of the neighbours' targets, each alike or each by how near it is.

    Raises:
        ValueError: there are too many rows or several outputs, or the distance or the weights are the user's own.

    """
    targets = np.asarray(model._y, dtype=np.float64).reshape(len(model._y), -1)  # noqa: SLF001
    if targets.shape[1] != 1:
        raise ValueError("a model with several outputs cannot be exported; fit one for each output")
    said = _neighbours_say(graph, model, inputs, np.hstack([targets, np.ones_like(targets)]))
    return graph.add("Div", graph.columns(said, [0]), graph.columns(said, [1]))


@classifier(NearestCentroid)
def classify_by_centroid(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Let the nearest centroid win; where classes were given weights, these count too.

    Raises:
        ValueError: the distance is not Euclidean.

    """
    if model.metric != "euclidean":
        raise ValueError("nearest centroids by another than the Euclidean distance cannot be exported")
    scores = _centroid_scores(graph, model, inputs)
    alike = np.isclose(model.class_prior_, 1 / len(model.classes_)).all()
    nearest = graph.add("Neg", order_of_distances(graph, inputs.rows, model.centroids_)) if alike else scores
    return Answer(graph.winner(nearest), softmax(graph, scores))


def _neighbours_say(graph: Graph, model: Any, inputs: Inputs, table: Doubles) -> str:
    """Return the sum [n, width] of what the neighbours say, row by row of a table [training rows, width]."""
    points = _checked(model)
    _, nearest = graph.smallest_first(order_of_distances(graph, inputs.rows, points), model.n_neighbors)
    said = graph.add("Gather", graph.constant(table), nearest)
    if model.weights == "distance":
        weights = _nearness(graph, inputs, points, nearest)
        said = graph.add("Mul", said, graph.add("Unsqueeze", weights, graph.constant(np.array([2]))))
    return graph.total(said, model.n_neighbors)


def _checked(model: Any) -> Doubles:
    """Return the training rows, if the model can be exported."""
    points = np.asarray(model._fit_X, dtype=np.float64)  # noqa: SLF001
    if model.effective_metric_ != "euclidean":
        raise ValueError(
            f"nearest neighbours by the distance {model.effective_metric_} cannot be exported, as rows may be equally"
            " near, and which of them count is not defined; the Euclidean distance (p=2) can"
        )
    if model.weights not in {"uniform", "distance", None}:
        raise ValueError("weights of one's own cannot be exported; 'uniform' and 'distance' can")
    if len(points) > WIDEST_ROW or points.nbytes > LARGEST_MODEL // 2:
        raise ValueError(
            f"a model of nearest neighbours keeps all its rows, and {points.shape[0]:,} rows of {points.shape[1]:,}"
            " columns are more than can be searched for each answer; train on fewer rows, or use another estimator"
        )
    return points


def _nearness(graph: Graph, inputs: Inputs, points: Doubles, nearest: str) -> str:
    """Return the weights [n, neighbours]: one by the distance; where some have none, 1 for these and 0 for others."""
    distances = graph.add("Sqrt", _squares(graph, inputs.rows, graph.add("Gather", graph.constant(points), nearest)))
    here = graph.cast(graph.add("Equal", distances, graph.constant(0.0)), DOUBLE)
    any_here = graph.add("Greater", row_sums(graph, here), graph.constant(0.0))
    return graph.add("Where", any_here, here, graph.add("Div", graph.constant(1.0), distances))


def _centroid_scores(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Return the discriminant scores [n, classes]."""
    scale = np.where(model.within_class_std_dev_ != 0, model.within_class_std_dev_, 1.0).astype(np.float64)
    rows = graph.add("Div", graph.double(inputs.rows), graph.constant(scale))
    distances = _squares(graph, rows, graph.constant(model.centroids_ / scale))
    return graph.add("Sub", graph.constant(2.0 * np.log(model.class_prior_)), distances)


def _squares(graph: Graph, rows: str, points: str) -> str:
    """Return the squared distances [n, points] from rows [n, columns] to points [(n,) points, columns]."""
    row = graph.add("Unsqueeze", graph.double(rows), graph.constant(np.array([1])))
    away = graph.add("Sub", row, points)
    return graph.add("ReduceSum", graph.add("Mul", away, away), graph.constant(np.array([2])), keepdims=0)
