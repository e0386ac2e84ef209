"""The features that a model's trees compare: as an output of its graph, and from which columns they come."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from train.explanation.regions import NotExplained
from train.onnx_runtime import FEATURES, ONNX_RUNTIME_ERRORS, Session
from train.original import Original
from train.schema import Rows

MOST_ROWS = 500
ROUNDS = 2
GAPS = 0.2  # of the values
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

    They are exchanged in training rows, some of which are made to lack values or to hold texts that are no category,
    where training saw values missing, or texts. `used` are the features that the trees compare.

    Raises:
        NotExplained: one of these comes from several columns, or from none that was found.

    """
    random = np.random.default_rng(0)
    some = rows[np.sort(random.permutation(len(rows))[:MOST_ROWS])]
    features = _Features(original, content)
    found = np.full(features.of(some[:1]).shape[1], _FROM_NOWHERE)
    for starts in [some, *(_with_gaps(original, rows, some, random) for _ in range(ROUNDS))]:
        before = features.of(starts)
        for column in range(rows.shape[1]):
            for values in _values(original, rows, column, len(some), random):
                other = starts.copy()
                other[:, column] = values
                changed = _differ(before, features.of(other))
                if (changed[used] & (found[used] != _FROM_NOWHERE) & (found[used] != column)).any():
                    raise NotExplained("a feature that its trees compare is made of several columns")
                found[changed] = column
    if (found[used] == _FROM_NOWHERE).any():
        raise NotExplained("a feature that its trees compare was not seen to depend on any column")
    return found


class _Features:
    """What the trees of an export compare."""

    def __init__(self, original: Original, content: bytes) -> None:
        self._schema = original.schema
        try:
            self._session = Session(content)
        except ONNX_RUNTIME_ERRORS as error:
            raise NotExplained("its graph cannot give the features that its trees compare") from error

    def of(self, rows: Rows) -> npt.NDArray[Any]:
        """Return [n, features]."""
        return self._session.features(self._schema.inputs(rows))


def _differ(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return [features] which differ in any row."""
    return np.asarray(((one != other) & ~(np.isnan(one) & np.isnan(other))).any(axis=0))


def _with_gaps(original: Original, rows: Rows, some: Rows, random: np.random.Generator) -> Rows:
    """Return some rows with values missing where training saw missing ones, and texts that are no category."""
    gaps = (random.random(some.shape) < GAPS) & np.isnan(rows).any(axis=0)
    changed = np.where(gaps, np.float32(np.nan), some)
    for column in original.schema.texts:
        categories = original.schema.fields[column].categories or ()
        changed[random.random(len(some)) < GAPS, column] = _missing_or_unknown(categories)
    return changed


def _missing_or_unknown(categories: tuple[str, ...]) -> int:
    return categories.index("") if "" in categories else len(categories)


def _values(original: Original, rows: Rows, column: int, count: int, random: np.random.Generator) -> Iterator[Rows]:
    """Yield values [count] for a column: those of training rows; if they are few or texts, then each of them."""
    yield rows[random.integers(0, len(rows), count), column]
    categories = original.schema.fields[column].categories
    known = np.unique(rows[:, column]) if categories is None else np.arange(len(categories) + 1, dtype=np.float32)
    if categories is not None or len(known) <= count:
        for first in range(0, len(known), count):
            yield np.resize(random.permutation(known[first : first + count]), count)
