"""The one place in serve/ that loads ONNX Runtime."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from model_repository import Target
from serve.errors import ModelRefused

Rows = npt.NDArray[np.float32]
Texts = npt.NDArray[np.object_]
# Labels [n] with probabilities [n, classes or 0]; of a regression float32 predictions [n] with probabilities [n, 0].
Answers = tuple[npt.NDArray[np.generic], npt.NDArray[np.float32]]

NUMBERS, TEXTS = "input", "categories"  # the graph's inputs
FEATURES = "features"  # what the model's trees compare, where that is not the numbers themselves
_KINDS = {"prediction": {"tensor(float)"}, "probabilities": {"tensor(float)"}}
_LABELS = {"tensor(int64)", "tensor(string)"}


@dataclass(frozen=True, slots=True)
class MixedRows:
    """Rows with texts: float32 numbers [n, columns of numbers] and texts [n, columns of texts], each in their order."""

    numbers: Rows
    texts: Texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, rows: slice) -> "MixedRows":
        return MixedRows(self.numbers[rows], self.texts[rows])


Inputs = Rows | MixedRows  # rows of numbers alone are one float32 matrix [n, columns]


class Session:
    """An ONNX Runtime session over a model's bytes: one thread, no spinning; safe to use from several threads."""

    def __init__(self, onnx: bytes, numbers: int, texts: int, target: Target) -> None:
        """Load a graph that takes so many columns of numbers and of texts, and gives what the target needs.

        Raises:
            ModelRefused: ONNX Runtime cannot load it, or it takes or gives something else.

        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # what fails is raised, and told by us
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors share no base but Exception
            raise ModelRefused(f"ONNX Runtime cannot load it ({type(error).__name__})") from error
        self._outputs = _outputs(target)
        self._takes_numbers = bool(numbers)
        self._gives_features = any(each.name == FEATURES for each in self._session.get_outputs())
        _check_inputs(self._session.get_inputs(), numbers, texts)
        _check_outputs(self._session.get_outputs(), self._outputs)

    def run(self, rows: Inputs) -> Answers:
        """Return the answers to contiguous rows."""
        found = self._session.run(self._outputs, self._feeds(rows) if isinstance(rows, MixedRows) else {NUMBERS: rows})
        if len(found) == 2:
            return found[0], found[1]
        return found[0].reshape(-1), np.empty((len(rows), 0), np.float32)

    def features(self, rows: Inputs) -> npt.NDArray[np.floating[Any]]:
        """Return what the model's trees compare, [n, features]: the rows themselves, or what is made of them."""
        if isinstance(rows, MixedRows):
            return self._made(self._feeds(rows))
        return self._made({NUMBERS: rows}) if self._gives_features else rows

    def _made(self, feeds: dict[str, Any]) -> npt.NDArray[np.floating[Any]]:
        found: npt.NDArray[np.floating[Any]] = self._session.run([FEATURES], feeds)[0]
        return found

    def _feeds(self, rows: MixedRows) -> dict[str, Any]:
        return {NUMBERS: rows.numbers, TEXTS: rows.texts} if self._takes_numbers else {TEXTS: rows.texts}


def _outputs(target: Target) -> list[str]:
    if not target.classes:
        return ["prediction"]
    return ["label", "probabilities"] if target.probabilities else ["label"]


def _check_inputs(inputs: Any, numbers: int, texts: int) -> None:
    """Refuse a graph that does not take the manifest's columns, in rows as many as there are."""
    found = {each.name: (each.type, list(each.shape[1:])) for each in inputs}
    expected, words = {}, []
    if numbers:
        expected[NUMBERS] = ("tensor(float)", [numbers])
        words.append(f"float32 rows of the manifest's {numbers} columns{' of numbers' if texts else ''}")
    if texts:
        expected[TEXTS] = ("tensor(string)", [texts])
        words.append(f"texts of its {texts} columns of texts")
    if found != expected or any(isinstance(each.shape[0], int) for each in inputs):
        raise ModelRefused(f"its input is not {' and '.join(words)}")


def _check_outputs(outputs: Any, expected: list[str]) -> None:
    found = {each.name: each.type for each in outputs}
    if not all(found.get(name) in _KINDS.get(name, _LABELS) for name in expected):
        raise ModelRefused(f"it does not give a {' and '.join(expected)}")
