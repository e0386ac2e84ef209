"""Histogram gradient boosting, exactly: thresholds in float64, missing values and categories where the trees send them.

A split by category looks its answer up in a column that is added to the rows: 1 where the row goes right, else 0.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from train.converters.answers import Answer, Inputs, classifier, decision, regressor
from train.converters.gradient_boosting import boosted
from train.converters.graph import DOUBLE, FLOAT, Graph
from train.converters.links import both_classes, sigmoid, sign, softmax
from train.converters.trees import Floats, Nodes, Trees, together


class Split(NamedTuple):
    """A split by category: the feature, and for each category, last for any other, whether the row goes right."""

    feature: int
    right: npt.NDArray[np.float64]


@decision(HistGradientBoostingClassifier)
def scores_of(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Write the sums [n, 1] or [n, classes]."""
    predictors = [predictor for iteration in model._predictors for predictor in iteration]  # noqa: SLF001
    known = _Categories(model)
    trees = together([known.nodes_of(predictor) for predictor in predictors])
    values = np.concatenate([tree.nodes["value"][tree.nodes["is_leaf"] == 1] for tree in predictors])
    rows = known.rows(graph, inputs)
    return boosted(graph, rows, trees, values, start_of_histograms(model), double=inputs.dtype == np.float64)


def start_of_histograms(model: Any) -> Floats:
    """Return the scores [scores] from which the trees start."""
    return np.asarray(model._baseline_prediction, dtype=np.float64).ravel()  # noqa: SLF001


def predictors_and_trees(model: Any) -> tuple[list[Any], Trees]:
    """Return the trees as scikit-learn has them, and as exported, with added columns for splits by category."""
    predictors = [predictor for iteration in model._predictors for predictor in iteration]  # noqa: SLF001
    known = _Categories(model)
    return predictors, together([known.nodes_of(predictor) for predictor in predictors])


@classifier(HistGradientBoostingClassifier)
def classify(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Turn the sums into probabilities; they decide the label."""
    scores = scores_of(graph, model, inputs)
    if len(model.classes_) > 2:
        return Answer(graph.winner(scores), softmax(graph, scores))
    return Answer(sign(graph, scores), both_classes(graph, sigmoid(graph, scores)))


@regressor(HistGradientBoostingRegressor)
def predict(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Give the sums, or their exponentials where the loss is one of positive targets."""
    scores = scores_of(graph, model, inputs)
    return graph.add("Exp", scores) if model.loss in {"poisson", "gamma"} else scores


class _Categories:
    """The splits by category of all trees, numbered as they are met."""

    def __init__(self, model: Any) -> None:
        self._width = model.n_features_in_
        self._splits: list[Split] = []
        self._categories: list[npt.NDArray[Any]] = []
        self._sources: npt.NDArray[np.int64] = np.arange(self._width)
        if model.is_categorical_ is None:
            return
        categorical = np.asarray(model.is_categorical_, dtype=bool)
        self._categories = model._preprocessor.named_transformers_["encoder"].categories_  # noqa: SLF001
        self._sources = np.r_[np.flatnonzero(categorical), np.flatnonzero(~categorical)]
        self._known, self._places = model._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001

    def nodes_of(self, predictor: Any) -> Nodes:
        """Return a tree's nodes; splits by category ask for added columns."""
        nodes = predictor.nodes
        features = self._sources[nodes["feature_idx"].astype(np.int64)]
        thresholds = nodes["num_threshold"].astype(np.float64)
        for index in np.flatnonzero((nodes["is_categorical"] == 1) & (nodes["is_leaf"] == 0)):
            features[index] = self._width + len(self._splits)
            thresholds[index] = 0.5
            self._splits.append(self._split(nodes[index], predictor.raw_left_cat_bitsets))
        return Nodes(
            nodes["is_leaf"] == 1, nodes["left"], nodes["right"], features, thresholds, nodes["missing_go_to_left"]
        )

    def _split(self, node: Any, bitsets: Any) -> Split:
        feature = int(node["feature_idx"])
        codes = np.arange(np.sum(~_missing(self._categories[feature])))
        left = _contains(bitsets[node["bitset_idx"]], codes)
        known = _contains(self._known[self._places[feature]], codes)
        others = float(node["missing_go_to_left"] == 0)
        return Split(feature, np.r_[np.where(left, 0.0, np.where(known, 1.0, others)), others])

    def rows(self, graph: Graph, inputs: Inputs) -> str:
        """Return the rows with the added columns.

        Raises:
            ValueError: the categories are texts.

        """
        if not self._splits:
            return inputs.rows
        parts = [inputs.rows]
        order: list[int] = []
        for feature in sorted({split.feature for split in self._splits}):
            places = [place for place, split in enumerate(self._splits) if split.feature == feature]
            table = np.stack([self._splits[place].right for place in places], axis=1)
            parts.append(self._column(graph, inputs, feature, table))
            order += places
        added = np.empty(len(order), np.int64)
        added[order] = np.arange(len(order))
        return graph.columns(graph.concat(*parts), np.r_[np.arange(self._width), self._width + added])

    def _column(self, graph: Graph, inputs: Inputs, feature: int, table: npt.NDArray[np.float64]) -> str:
        """Look up [n, splits of one feature]: a category's row of the table, the last where there is none."""
        categories = self._categories[feature]
        if categories.dtype.kind == "O":
            raise ValueError(
                "histogram gradient boosting cannot take categories that are texts; put an OrdinalEncoder before it"
            )
        real = categories[~_missing(categories)].astype(np.float64)
        value = graph.double(graph.columns(inputs.rows, [self._sources[feature]]))
        here = graph.cast(graph.add("Equal", value, graph.constant(real[None, :])), DOUBLE)
        found = graph.add("MatMul", here, graph.constant(table[:-1] - table[-1]))
        right = graph.add("Add", found, graph.constant(table[-1]))
        return graph.cast(right, FLOAT if inputs.dtype == np.float32 else DOUBLE)


def _missing(categories: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return np.array([category != category for category in categories.tolist()], dtype=bool)  # noqa: PLR0124


def _contains(bitset: Any, codes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which codes are in a set of 256 bits, kept in eight whole numbers."""
    return ((np.asarray(bitset).astype(np.int64)[codes // 32] >> (codes % 32)) & 1).astype(bool)
