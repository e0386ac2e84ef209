"""The features that a model's trees compare: as an output of its graph, and from which columns they come."""

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from train.explanation.regions import NotExplained
from train.onnx_runtime import FEATURES, ONNX_RUNTIME_ERRORS, Session
from train.original import Original
from train.schema import Rows

MOST_ROWS = 500
ROUNDS = 3
_FROM_NOWHERE = -1

Columns = npt.NDArray[np.int64]


def with_features(content: bytes) -> bytes:
    """Return a graph that also gives `features`, what its tree operator is given, float32 or float64 [n, features].

    Raises:
        NotExplained: it has several tree operators.

    """
    proto = onnx.load_model_from_string(content)
    trees = [node for node in proto.graph.node if node.op_type == "TreeEnsembleRegressor"]
    if len(trees) != 1:
        raise NotExplained("a step before its trees has trees, too")
    double = any(attribute.name == "nodes_values_as_tensor" for attribute in trees[0].attribute)
    kind = onnx.TensorProto.DOUBLE if double else onnx.TensorProto.FLOAT
    _rename(proto.graph, {FEATURES: f"copse/{FEATURES}/inner"})
    _rename(proto.graph, {trees[0].input[0]: FEATURES})
    proto.graph.output.append(helper.make_tensor_value_info(FEATURES, kind, [None, None]))
    changed: bytes = proto.SerializeToString(deterministic=True)
    return changed


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in [*graph.initializer, *graph.value_info]:
        value.name = names.get(value.name, value.name)


def columns_of(original: Original, content: bytes, rows: Rows, used: Columns) -> Columns:
    """Return [features] the column of the data from which each comes: the only one whose values change it.

    They are exchanged between training rows, made missing, and made texts that are no category, wherever the model
    takes such rows. `used` are the features that the trees compare.

    Raises:
        NotExplained: one of these comes from several columns, or from none that was found.

    """
    random = np.random.default_rng(0)
    rows = rows[np.sort(random.permutation(len(rows))[:MOST_ROWS])]
    session = Session(content)
    usual = _features(session, original, rows)
    found = np.full(usual.shape[1], _FROM_NOWHERE)
    for starts in [rows, *(_with_gaps(original, rows, random) for _ in range(ROUNDS))]:
        before = _features(session, original, starts)
        for column in range(rows.shape[1]):
            for other in _others(original, starts, rows, column, random):
                changed = _differ(before, _features(session, original, other))
                if (changed[used] & (found[used] != _FROM_NOWHERE) & (found[used] != column)).any():
                    raise NotExplained("a feature that its trees compare is made of several columns")
                found[changed] = column
    if (found[used] == _FROM_NOWHERE).any():
        raise NotExplained("a feature that its trees compare was not seen to depend on any column")
    return found


def _features(session: Session, original: Original, rows: Rows) -> npt.NDArray[np.float64]:
    try:
        return session.features(original.schema.inputs(rows)).astype(np.float64)
    except ONNX_RUNTIME_ERRORS as error:
        raise NotExplained("the features that its trees compare cannot be had") from error


def _differ(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return [features] which differ in any row."""
    return np.asarray(((one != other) & ~(np.isnan(one) & np.isnan(other))).any(axis=0))


def _with_gaps(original: Original, rows: Rows, random: np.random.Generator) -> Rows:
    """Return rows of which some values are missing, in columns where training saw missing ones."""
    gaps = random.random(rows.shape) < 0.2
    gaps &= np.isnan(rows).any(axis=0)
    changed = np.where(gaps, np.float32(np.nan), rows)
    for column in original.schema.texts:
        categories = original.schema.fields[column].categories or ()
        other = len(categories) if "" not in categories else categories.index("")
        changed[random.random(len(rows)) < 0.1, column] = other
    return changed


def _others(original: Original, starts: Rows, rows: Rows, column: int, random: np.random.Generator) -> list[Rows]:
    """Return the same rows with other values in one column."""
    values = [random.permutation(rows[:, column])]
    categories = original.schema.fields[column].categories
    if categories is not None:
        values.append(random.integers(0, len(categories) + 1, len(rows)).astype(np.float32))
        values.append((starts[:, column] + 1) % (len(categories) + 1))
    elif np.isnan(rows[:, column]).any():
        values.append(np.full(len(rows), np.nan, np.float32))
    found = []
    for each in values:
        other = starts.copy()
        other[:, column] = each
        found.append(other)
    return found
