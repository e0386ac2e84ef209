"""Calibrated classifiers: scores become probabilities by a sigmoid, by steps with lines between them, or by a power."""

from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV

from train.converters.answers import Answer, Inputs, classifier
from train.converters.averages import added
from train.converters.graph import DOUBLE, Graph
from train.converters.inside import classify, score
from train.converters.links import both_classes, row_sums, shares_of, sigmoid, softmax


@classifier(CalibratedClassifierCV)
def classify_calibrated(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Average the probabilities of all calibrated copies; they decide the label."""
    copies = [_probabilities(graph, model, each, inputs) for each in model.calibrated_classifiers_]
    probabilities = graph.add("Div", added(graph, copies), graph.constant(float(len(copies))))
    return Answer(graph.winner(probabilities), probabilities)


def _probabilities(graph: Graph, model: Any, calibrated: Any, inputs: Inputs) -> str:
    """Write the probabilities of one copy.

    Raises:
        ValueError: the copy did not see all classes.

    """
    classes = len(model.classes_)
    if len(calibrated.estimator.classes_) != classes:
        raise ValueError("a copy inside the calibrated classifier did not see all classes; calibrate on more rows")
    if calibrated.method == "temperature":
        return _tempered(graph, calibrated, inputs)
    scores = score(graph, calibrated.estimator, inputs)
    if classes == 2:
        shares = both_classes(graph, _calibrated(graph, calibrated.calibrators[0], scores))
    else:
        columns = [graph.columns(scores, [index]) for index in range(classes)]
        pairs = zip(calibrated.calibrators, columns, strict=True)
        values = graph.concat(*[_calibrated(graph, *pair) for pair in pairs])
        shares = shares_of(graph, values, graph.constant(1 / classes))
    one = graph.constant(1.0)
    little = graph.add("LessOrEqual", shares, graph.constant(1.0 + 1e-5))
    over = graph.add("And", graph.add("Greater", shares, one), little)
    return graph.add("Where", over, one, shares)


def _calibrated(graph: Graph, calibrator: Any, scores: str) -> str:
    """Return the probabilities [n, 1] of one class."""
    if hasattr(calibrator, "a_"):
        product = graph.add("Mul", scores, graph.constant(float(calibrator.a_)))
        return sigmoid(graph, graph.add("Neg", graph.add("Add", product, graph.constant(float(calibrator.b_)))))
    return interpolated(graph, scores, calibrator.X_thresholds_, calibrator.y_thresholds_)


def interpolated(graph: Graph, values: str, places: Any, heights: Any) -> str:
    """Return the heights [n, 1] at values [n, 1], on the lines between the heights at ascending places.

    Below the first place and above the last the height stays as it is there.
    """
    if places.dtype == np.float32:
        values = graph.double(graph.single(values))
    places, heights = np.asarray(places, dtype=np.float64), np.asarray(heights, dtype=np.float64)
    lowest, highest = graph.constant(places[0]), graph.constant(places[-1])
    clipped = graph.add("Min", graph.add("Max", values, lowest), highest)
    passed = graph.cast(graph.add("GreaterOrEqual", clipped, graph.constant(places[None, 1:])), DOUBLE)
    last = graph.reshape(graph.whole(row_sums(graph, passed)), -1)
    slopes = np.r_[np.diff(heights) / np.diff(places), 0.0]
    slope, place, height = (
        graph.add("Gather", graph.constant(column[:, None]), last) for column in (slopes, places, heights)
    )
    return graph.add("Add", graph.add("Mul", slope, graph.add("Sub", clipped, place)), height)


def _tempered(graph: Graph, calibrated: Any, inputs: Inputs) -> str:
    """Return the probabilities after a division of their logarithms by a temperature."""
    if hasattr(calibrated.estimator, "decision_function"):
        scores = score(graph, calibrated.estimator, inputs)
        if len(calibrated.classes) == 2:
            scores = graph.concat(graph.add("Neg", scores), scores)
    else:
        probabilities = classify(graph, calibrated.estimator, inputs).probabilities
        if len(calibrated.classes) == 2:
            probabilities = both_classes(graph, graph.columns(probabilities, [1]))
        scores = graph.add("Log", graph.add("Add", probabilities, graph.constant(1e-12)))
    return softmax(graph, graph.add("Mul", scores, graph.constant(float(calibrated.calibrators[0].beta_))))
