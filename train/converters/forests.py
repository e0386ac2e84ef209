"""Forests and single trees, exactly.

Where every leaf votes for one class, votes are counted: their sum is exact in float32 up to 2**24 trees, and the
division comes last, as in scikit-learn. Otherwise leaves give float64 numbers, added up in scikit-learn's order.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from train.converters.answers import Answer, Inputs, classifier, regressor
from train.converters.graph import FLOAT, Graph
from train.converters.trees import Floats, Ids, Trees, fitted_trees, node_attributes, trees_of, values_of_leaves

FOREST_CLASSIFIERS = (RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier, ExtraTreeClassifier)
FOREST_REGRESSORS = (RandomForestRegressor, ExtraTreesRegressor, DecisionTreeRegressor, ExtraTreeRegressor)


class Leaves(NamedTuple):
    """What the leaves say: for each non-zero class fraction its tree, node, class and value."""

    trees: Ids
    nodes: Ids
    classes: Ids
    fractions: Floats

    @property
    def pure(self) -> bool:
        """Whether every leaf votes for one class."""
        return bool(np.all(self.fractions == 1))

    def of_class(self, index: int) -> "Leaves":
        """Return the part that speaks for one class, as the first of one."""
        chosen = self.classes == index
        return Leaves(*(part[chosen] for part in self))._replace(classes=self.classes[chosen] - index)


def leaves_of(trees: list[Any]) -> Leaves:
    """Return what the leaves of all trees say."""
    parts = []
    for index, tree in enumerate(trees):
        nodes = np.flatnonzero(tree.children_left < 0)
        leaf, classes = np.nonzero(tree.value[nodes, 0, :])
        owners = np.full(len(leaf), index)
        parts.append((owners, nodes[leaf], classes, tree.value[nodes[leaf], 0, classes]))
    return Leaves(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def leaf_values(trees: list[Any]) -> Floats:
    """Return what each leaf gives, [leaves, classes], or [leaves, 1] in a regression."""
    return np.concatenate([tree.value[tree.children_left < 0, 0, :] for tree in trees])


@classifier(*FOREST_CLASSIFIERS)
def classify(graph: Graph, model: Any, inputs: Inputs) -> Answer:
    """Count votes, or add up fractions.

    Raises:
        ValueError: the forest has several outputs.

    """
    fitted = _single_output(model)
    trees, leaves, classes = trees_of(fitted), leaves_of(fitted), len(model.classes_)
    for_second = leaves.of_class(1)
    if not leaves.pure or not len(for_second.trees):
        fractions = values_of_leaves(graph, inputs.rows, trees, leaf_values(fitted))
        sums = graph.total(fractions, trees.count)
    elif classes == 2:
        second = _count(graph, inputs.rows, trees, for_second, 1)
        first = graph.add("Sub", graph.constant(np.array([trees.count], np.float32)), second)
        sums = graph.double(graph.concat(first, second))
    else:
        sums = graph.double(_count(graph, inputs.rows, trees, leaves, classes))
    probabilities = graph.add("Div", sums, graph.constant([float(trees.count)]))
    return Answer(graph.winner(probabilities), probabilities)


@regressor(*FOREST_REGRESSORS)
def predict(graph: Graph, model: Any, inputs: Inputs) -> str:
    """Add up the trees' values and divide last.

    Raises:
        ValueError: the forest has several outputs.

    """
    fitted = _single_output(model)
    trees = trees_of(fitted)
    values = values_of_leaves(graph, inputs.rows, trees, leaf_values(fitted))
    return graph.add("Div", graph.total(values, trees.count), graph.constant([float(trees.count)]))


def _single_output(model: Any) -> list[Any]:
    if getattr(model, "n_outputs_", 1) != 1:
        raise ValueError("a forest with several outputs cannot be exported; fit one for each output")
    return fitted_trees(model)


def _count(graph: Graph, rows: str, trees: Trees, leaves: Leaves, targets: int) -> str:
    weights: npt.NDArray[np.float64] = leaves.fractions
    return graph.add(
        "TreeEnsembleRegressor",
        graph.cast(rows, FLOAT),
        n_targets=targets,
        target_treeids=leaves.trees.tolist(),
        target_nodeids=leaves.nodes.tolist(),
        target_ids=leaves.classes.tolist(),
        target_weights=weights.tolist(),
        **node_attributes(trees),
    )
