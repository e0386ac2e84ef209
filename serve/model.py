"""A published version, checked and ready to answer: arrays in, arrays out, no HTTP."""

import time

import numpy as np
import numpy.typing as npt

from model_repository import Golden, Manifest, PublishedVersion
from serve.errors import ModelFailed, ModelRefused
from serve.explanation.explanation import Explanation
from serve.onnx_runtime import Answers, Inputs, Session
from serve.signature import Signature


class LoadedModel:
    """One version of a model with its session. What it answers was compared with the original before it exists."""

    def __init__(self, published: PublishedVersion) -> None:
        """Load a version and replay its golden rows.

        Raises:
            ModelRefused: ONNX Runtime cannot load it, or it does not answer as the original model did.

        """
        self.name = published.model
        self.version = published.version
        self.manifest: Manifest = published.manifest
        self.signature = Signature(self.manifest.columns, self.manifest.parity.largest_magnitude)
        self.classes = self.manifest.target.classes
        self.class_names = self.manifest.target.names
        self._session = Session(
            published.onnx, len(self.signature.numbers), len(self.signature.texts), self.manifest.target
        )
        self.explanation = self._explanation(published.explanation)
        self._replay(self.manifest.golden)
        self.loaded_at = time.time()

    def predict(self, rows: Inputs) -> Answers:
        """Return labels [n] and probabilities [n, classes]; of a regression predictions [n] and probabilities [n, 0].

        Raises:
            ModelFailed: ONNX Runtime cannot answer them.

        """
        try:
            return self._session.run(rows)
        except Exception as error:  # ONNX Runtime's errors share no base but Exception
            raise ModelFailed(f"version {self.version} of the model cannot answer ({type(error).__name__})") from error

    def _explanation(self, content: bytes | None) -> Explanation | None:
        described = self.manifest.explanation
        if described is None or content is None:
            return None
        return Explanation(content, self.manifest, described.scale, self._session)

    def _replay(self, golden: Golden) -> None:
        """Compare the answers to the golden rows with what the original model answered."""
        rows = self.signature.inputs(golden.rows)
        try:
            answers = self._session.run(rows)
        except Exception as error:  # ONNX Runtime's errors share no base but Exception
            raise ModelRefused(f"ONNX Runtime cannot run it ({type(error).__name__})") from error
        wrong = _differs(answers, golden, regression=not self.classes)
        if wrong:
            raise ModelRefused(f"it answers {wrong} of its {len(rows)} golden rows otherwise than the original model")
        if self.explanation:
            self.explanation.check(rows, answers, golden)


def _differs(answers: Answers, golden: Golden, *, regression: bool) -> int:
    """Count the golden rows with another label, or with a number beyond the tolerance."""
    labels, probabilities = answers
    expected = np.array(golden.probabilities, dtype=np.float32)
    if probabilities.shape != expected.shape or labels.shape != (len(expected),):
        return len(expected)
    if regression:
        near = _near(labels, np.array(golden.labels, dtype=np.float32), golden)
        return int((~near).sum())
    other = labels.astype(object) != np.array(golden.labels, dtype=object)
    return int((other | ~_near(probabilities, expected, golden).all(axis=1)).sum())


def _near(
    answered: npt.NDArray[np.generic], expected: npt.NDArray[np.float32], golden: Golden
) -> npt.NDArray[np.bool_]:
    """Return which numbers are as near to those expected as the golden rows ask for."""
    wanted = expected.astype(np.float64)
    allowed = golden.tolerance + golden.relative_tolerance * np.abs(wanted)
    near: npt.NDArray[np.bool_] = np.abs(answered.astype(np.float64) - wanted) <= allowed
    return near
