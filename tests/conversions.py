"""Fitted estimators, converted, and compared with scikit-learn on rows where a wrong conversion would show."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.base import is_classifier

from train import converters

Rows = npt.NDArray[np.float32]
Arrays = list[npt.NDArray[Any]]
STEPS = (-2, -1, 0, 1, 2)


def converted(model: Any, types: list[tuple[str, Any]]) -> onnx.ModelProto:
    """Return the model as ONNX, with inputs of these types."""
    converters.register()
    options = {id(model): {"zipmap": False}} if is_classifier(model) else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proto: onnx.ModelProto = to_onnx(
            model, initial_types=types, target_opset={"": 17, "ai.onnx.ml": 3}, options=options
        )
    proto.ir_version = 8
    return proto


def of_numbers(width: int) -> list[tuple[str, Any]]:
    """Return the type of one input of float32 rows."""
    return [("input", FloatTensorType([None, width]))]


def of_columns(columns: dict[str, npt.NDArray[Any]]) -> list[tuple[str, Any]]:
    """Return the types of an input for each column."""
    return [
        (name, (StringTensorType if values.dtype == object else FloatTensorType)([None, 1]))
        for name, values in columns.items()
    ]


def session(proto: onnx.ModelProto, threads: int = 1) -> onnxruntime.InferenceSession:
    """Return a session with this number of threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(proto.SerializeToString(), options)


def bits(values: npt.ArrayLike) -> npt.NDArray[np.uint32]:
    """Return float32 values as bits, all NaN alike."""
    rounded = np.ascontiguousarray(np.asarray(values).astype(np.float32))
    return np.where(np.isnan(rounded), np.float32(np.nan), rounded).view(np.uint32)


def expected(model: Any, table: Any) -> Arrays:
    """Return what scikit-learn answers, in the order of the graph's outputs."""
    with np.errstate(all="ignore"):
        if is_classifier(model):
            answers = [model.predict(table)]
            return [*answers, model.predict_proba(table)] if hasattr(model, "predict_proba") else answers
        if hasattr(model, "predict"):
            return [model.predict(table).reshape(-1, 1)]
        found = model.transform(table)
        return [found.toarray() if hasattr(found, "toarray") else np.asarray(found)]


def assert_exact(model: Any, rows: Rows) -> None:
    """Check that every bit is scikit-learn's, alone and in a batch, with any number of threads."""
    proto = converted(model, of_numbers(rows.shape[1]))
    answers = expected(model, rows)
    for threads in (1, 2, 4):
        _assert_same(session(proto, threads).run(None, {"input": rows}), answers)
    single = session(proto)
    alone = [single.run(None, {"input": row[None, :]}) for row in rows[::17]]
    _assert_same([np.concatenate(parts) for parts in zip(*alone, strict=True)], [part[::17] for part in answers])
    assert all(len(part) == 0 for part in single.run(None, {"input": rows[:0]}))


def assert_same_rows(transformer: Any, rows: Rows) -> None:
    """Check that a transformer gives scikit-learn's bits, in scikit-learn's precision."""
    proto = converted(transformer, of_numbers(rows.shape[1]))
    (answer,) = expected(transformer, rows)
    (found,) = session(proto).run(None, {"input": rows})
    assert found.shape == answer.shape
    assert proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value == answer.shape[1]
    assert (bits(found) != bits(answer)).sum() == 0
    if answer.dtype.kind == "f":
        assert found.dtype == answer.dtype


def assert_exact_on_columns(model: Any, columns: dict[str, npt.NDArray[Any]], table: Any) -> None:
    """Check a model that takes a data frame, `table`, whose columns reach the graph one by one."""
    proto = converted(model, of_columns(columns))
    feeds = {name: values[:, None] for name, values in columns.items()}
    found = session(proto).run(None, feeds)
    answers = expected(model, table)
    if hasattr(model, "predict"):
        _assert_same(found, answers)
    else:
        assert (bits(found[0]) == bits(answers[0])).all()


def _assert_same(found: Arrays, answers: Arrays) -> None:
    for got, answer in zip(found, answers, strict=False):
        if np.asarray(answer).dtype.kind == "f":
            assert got.dtype == np.float32
            differing = np.flatnonzero((bits(got) != bits(answer)).reshape(len(answer), -1).any(axis=1))
            assert differing.tolist() == []
        else:
            assert got.tolist() == answer.tolist()


def spread(rows: Rows, count: int = 500, seed: int = 0) -> Rows:
    """Return the rows, and random ones up to 30 % beyond the range of each column."""
    low, high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)
    margin = (high - low) * 0.3
    random = np.random.default_rng(seed).uniform(low - margin, high + margin, (count, rows.shape[1]))
    return np.vstack([rows, random.astype(np.float32)])


def holed(rows: Rows, share: float = 0.1, seed: int = 0) -> Rows:
    """Return the rows with some values missing."""
    gone = np.random.default_rng(seed).random(rows.shape) < share
    return np.where(gone, np.float32(np.nan), rows)


def beside(rows: Rows, splits: list[tuple[int, float]], most: int = 300) -> Rows:
    """Return rows whose value in a column lies on a threshold or a step or two of float32 beside it."""
    chosen = np.random.default_rng(0).permutation(len(splits))[:most]
    made = []
    for place in chosen:
        column, threshold = splits[place]
        if not np.isfinite(np.float32(threshold)):
            continue
        for step in STEPS:
            row = rows[place % len(rows)].copy()
            row[column] = stepped(np.float32(threshold), step)
            made.append(row)
    return np.array(made, dtype=np.float32).reshape(-1, rows.shape[1])


def stepped(value: np.float32, steps: int) -> np.float32:
    """Return the float32 so many steps away."""
    for _ in range(abs(steps)):
        value = np.nextafter(value, np.float32(np.inf if steps > 0 else -np.inf))
    return value


def splits_of(trees: list[Any]) -> list[tuple[int, float]]:
    """Return column and threshold of each node of sklearn.tree Tree objects."""
    return [
        (int(tree.feature[node]), float(tree.threshold[node]))
        for tree in trees
        for node in np.flatnonzero(tree.children_left >= 0)
    ]
