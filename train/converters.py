"""Exact ONNX converters for scikit-learn's classification forests, registered with skl2onnx.

The converter that skl2onnx ships adds up float32 fractions of 1/n: exact ties flip, and the sum depends on the number
of threads. Here a leaf gives whole votes, whose sum is exact in float32 up to 2**24 trees, and the division comes last,
as in scikit-learn. Thresholds are rounded down to float32, which decides every float32 input as scikit-learn's float64
threshold does, and missing values go where the trees send them.

Leaves that are not pure give fractions, not votes. Their sums are taken in float64, where the label is decided too.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import TensorProto
from onnx.helper import make_tensor
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from skl2onnx.proto import onnx_proto
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

ML_DOMAIN = "ai.onnx.ml"
ML_OPSET = 3
FOREST_CLASSIFIERS = (RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier)

Floats = npt.NDArray[np.float64]


class Leaves(NamedTuple):
    """What the leaves say: for each non-zero class fraction its tree, node, class and value."""

    trees: npt.NDArray[np.int64]
    nodes: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64]
    fractions: Floats

    @property
    def pure(self) -> bool:
        """Whether every leaf votes for one class."""
        return bool(np.all(self.fractions == 1))

    def of_class(self, index: int) -> "Leaves":
        """Return the part that speaks for one class."""
        chosen = self.classes == index
        return Leaves(*(part[chosen] for part in self))


def register() -> None:
    """Make skl2onnx convert classification forests exactly, alone or at the end of a Pipeline."""
    for model in FOREST_CLASSIFIERS:
        update_registered_converter(
            model,
            f"CopseExact{model.__name__}",
            calculate_linear_classifier_output_shapes,
            convert_forest,
            options={"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [False, True]},
        )


def fitted_trees(model: Any) -> list[Any]:
    """Return the sklearn.tree Tree objects of a fitted forest or single tree."""
    estimators = model.estimators_ if hasattr(model, "estimators_") else [model]
    return [estimator.tree_ for estimator in estimators]


def floor_to_float32(values: Floats) -> npt.NDArray[np.float32]:
    """Return for each value the largest float32 that is not above it."""
    rounded = values.astype(np.float32)
    return np.where(rounded > values, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def convert_forest(scope: Any, operator: Any, container: Any) -> None:
    """Write a forest's nodes (the signature is skl2onnx's).

    Raises:
        ValueError: the forest has several outputs.

    """
    model = operator.raw_operator
    if getattr(model, "n_outputs_", 1) != 1:
        raise ValueError("a forest with several outputs cannot be exported; fit one for each output")
    trees = fitted_trees(model)
    leaves = leaves_of(trees)
    graph = _Graph(scope, container, [output.full_name for output in operator.outputs])
    rows = graph.cast(operator.inputs[0].full_name, TensorProto.FLOAT)
    if not leaves.pure:
        graph.fractions(rows, trees, leaves, model.classes_)
    elif len(model.classes_) == 2:
        graph.two_class_votes(rows, trees, leaves, model.classes_)
    else:
        graph.votes(rows, trees, leaves, model.classes_)


def leaves_of(trees: list[Any]) -> Leaves:
    """Return what the leaves of all trees say."""
    parts = []
    for index, tree in enumerate(trees):
        nodes = np.flatnonzero(tree.children_left < 0)
        leaf, classes = np.nonzero(tree.value[nodes, 0, :])
        owners = np.full(len(leaf), index)
        parts.append((owners, nodes[leaf], classes, tree.value[nodes[leaf], 0, classes]))
    return Leaves(*(np.concatenate(part) for part in zip(*parts, strict=True)))


class _Graph:
    """The nodes of one forest, added to skl2onnx's container one after another."""

    def __init__(self, scope: Any, container: Any, outputs: list[str]) -> None:
        self._scope = scope
        self._container = container
        self._label, self._probabilities = outputs

    def two_class_votes(self, rows: str, trees: list[Any], leaves: Leaves, classes: npt.NDArray[Any]) -> None:
        """Count the votes for the second class; the first has the rest."""
        second = self._count(rows, trees, leaves.of_class(1)._replace(classes=leaves.of_class(1).classes * 0), 1)
        total = self._constant("trees", [float(len(trees))])
        first = self._add("Sub", [total, second])
        self._finish(self._add("Concat", [first, second], axis=1), total, classes)

    def votes(self, rows: str, trees: list[Any], leaves: Leaves, classes: npt.NDArray[Any]) -> None:
        """Count the votes for each class."""
        total = self._constant("trees", [float(len(trees))])
        self._finish(self._count(rows, trees, leaves, len(classes)), total, classes)

    def fractions(self, rows: str, trees: list[Any], leaves: Leaves, classes: npt.NDArray[Any]) -> None:
        """Add up class fractions in float64 and let the sums decide the label before they become float32.

        Of two classes ONNX Runtime compares the second with a fixed 0.5; a third that no leaf speaks for makes it
        take the largest sum, as scikit-learn does.
        """
        labels = [*classes.tolist(), classes.tolist()[-1]] if len(classes) == 2 else classes.tolist()
        sums = self._name("sums")
        self._container.add_node(
            "TreeEnsembleClassifier",
            [self.cast(rows, TensorProto.DOUBLE)],
            [self._label, sums],
            op_domain=ML_DOMAIN,
            op_version=ML_OPSET,
            name=self._scope.get_unique_operator_name("Forest"),
            class_treeids=leaves.trees.tolist(),
            class_nodeids=leaves.nodes.tolist(),
            class_ids=leaves.classes.tolist(),
            class_weights_as_tensor=_doubles("class_weights", leaves.fractions),
            **{"classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s": labels},
            **_node_attributes(trees, double=True),
        )
        if len(labels) > len(classes):
            sums = self._add("Gather", [sums, self._constant("columns", [0, 1])], axis=1)
        self._add("Div", [sums, self._constant("trees", [float(len(trees))])], self._probabilities)

    def cast(self, name: str, to: int) -> str:
        """Cast a tensor; a cast to what it already is costs nothing at run time."""
        return self._add("Cast", [name], to=to)

    def _count(self, rows: str, trees: list[Any], leaves: Leaves, targets: int) -> str:
        counted = self._name("votes")
        self._container.add_node(
            "TreeEnsembleRegressor",
            [rows],
            [counted],
            op_domain=ML_DOMAIN,
            op_version=ML_OPSET,
            name=self._scope.get_unique_operator_name("Forest"),
            n_targets=targets,
            target_treeids=leaves.trees.tolist(),
            target_nodeids=leaves.nodes.tolist(),
            target_ids=leaves.classes.tolist(),
            target_weights=leaves.fractions.tolist(),
            **_node_attributes(trees, double=False),
        )
        return counted

    def _finish(self, votes: str, total: str, classes: npt.NDArray[Any]) -> None:
        """Divide last, as scikit-learn does, and let the first of equals win, as numpy does."""
        self._add("Div", [votes, total], self._probabilities)
        winner = self._add("ArgMax", [votes], axis=1, keepdims=0)
        self._add("Gather", [self._constant("classes", classes.tolist()), winner], self._label)

    def _constant(self, name: str, values: list[Any]) -> str:
        kinds = {float: TensorProto.FLOAT, int: TensorProto.INT64, bool: TensorProto.INT64, str: TensorProto.STRING}
        unique = self._name(name)
        self._container.add_initializer(unique, kinds[type(values[0])], [len(values)], values)
        return unique

    def _add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        output = output or self._name(kind.lower())
        name = self._scope.get_unique_operator_name(kind)
        self._container.add_node(kind, inputs, [output], op_version=13, name=name, **attributes)
        return output

    def _name(self, name: str) -> str:
        unique: str = self._scope.get_unique_variable_name(name)
        return unique


def _node_attributes(trees: list[Any], *, double: bool) -> dict[str, Any]:
    """Return the attributes that say how rows find their leaves, for either tree operator."""
    sizes = [tree.node_count for tree in trees]
    left, right, features, thresholds, missing_left = (
        np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("children_left", "children_right", "feature", "threshold", "missing_go_to_left")
    )
    leaf = left < 0
    attributes = {
        "nodes_treeids": np.repeat(np.arange(len(trees)), sizes).tolist(),
        "nodes_nodeids": np.concatenate([np.arange(size) for size in sizes]).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_featureids": np.where(leaf, 0, features).tolist(),
        "nodes_truenodeids": np.where(leaf, 0, left).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, right).tolist(),
        "nodes_missing_value_tracks_true": np.where(leaf, 0, missing_left).astype(int).tolist(),
        "post_transform": "NONE",
    }
    if double:
        return attributes | {"nodes_values_as_tensor": _doubles("thresholds", np.where(leaf, 0.0, thresholds))}
    return attributes | {"nodes_values": np.where(leaf, np.float32(0), floor_to_float32(thresholds)).tolist()}


def _doubles(name: str, values: Floats) -> onnx_proto.TensorProto:
    return make_tensor(name, TensorProto.DOUBLE, [len(values)], values.tolist())
