"""A published version, checked and ready to answer: arrays in, arrays out, no HTTP."""

import numpy as np

from model_repository import Golden, Manifest, PublishedVersion
from serve.errors import ModelFailed, ModelRefused
from serve.onnx_runtime import Answers, Rows, Session


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
        self.columns = [column.name for column in self.manifest.columns]
        self.classes = self.manifest.target.classes
        self.class_names = self.manifest.target.names
        self.may_be_missing = {column.name: column.missing for column in self.manifest.columns}
        self._session = Session(published.onnx, len(self.columns))
        self._replay(self.manifest.golden)

    def predict(self, rows: Rows) -> Answers:
        """Return labels [n] and probabilities [n, classes] for float32 rows [n, columns].

        Raises:
            ModelFailed: ONNX Runtime cannot answer them.

        """
        try:
            return self._session.run(rows)
        except Exception as error:  # ONNX Runtime's errors share no base but Exception
            raise ModelFailed(f"version {self.version} of the model cannot answer ({type(error).__name__})") from error

    def _replay(self, golden: Golden) -> None:
        """Compare the answers to the golden rows with what the original model answered."""
        rows = np.array(golden.rows, dtype=np.float32)
        expected = np.array(golden.probabilities, dtype=np.float32)
        try:
            answers = self._session.run(rows)
        except Exception as error:  # ONNX Runtime's errors share no base but Exception
            raise ModelRefused(f"ONNX Runtime cannot run it ({type(error).__name__})") from error
        wrong = _differs(answers, golden, expected)
        if wrong:
            raise ModelRefused(f"it answers {wrong} of its {len(rows)} golden rows otherwise than the original model")


def _differs(answers: Answers, golden: Golden, expected: Rows) -> int:
    """Count the golden rows with another label, or with a probability beyond the tolerance."""
    labels, probabilities = answers
    if probabilities.shape != expected.shape or labels.shape != (len(expected),):
        return len(expected)
    other = labels.astype(object) != np.array(golden.labels, dtype=object)
    near = np.abs(probabilities.astype(np.float64) - expected) <= golden.tolerance
    return int((other | ~near.all(axis=1)).sum())
