"""What explains a model's answers: how much each column moves this answer away from the mean answer."""

import numpy as np
import numpy.typing as npt

from model_repository import Golden, Manifest, Scale
from serve.errors import ModelFailed, ModelRefused
from serve.explanation.file import read_regions
from serve.explanation.shapley import Floats, ShapleyValues
from serve.onnx_runtime import Answers, Inputs, Session

MOST_WORK = 200_000_000  # of one request; it takes about 2 seconds
_WORK_OF_A_NUMBER = 100  # that is sent
_NEAR = 1e-6


class Explanation:
    """The contributions of a model's columns to its answers; base and contributions add up to the answer."""

    def __init__(self, content: bytes, manifest: Manifest, scale: Scale, session: Session) -> None:
        """Read explanation.npz.

        Raises:
            ModelRefused: it is not what a training writes for such a model.

        """
        columns, outputs = len(manifest.columns), len(manifest.target.classes) or 1
        self._values = ShapleyValues(read_regions(content, outputs, columns), columns)
        self._session = session
        self.scale = scale
        self.base: Floats = self._values.base
        self.most_rows = max(1, MOST_WORK // (self._values.work + _WORK_OF_A_NUMBER * columns * outputs))

    def of(self, rows: Inputs) -> Floats:
        """Return contributions [n, columns, outputs].

        Raises:
            ModelFailed: ONNX Runtime cannot give what the trees compare.

        """
        try:
            features = self._session.features(rows)
        except Exception as error:  # ONNX Runtime's errors share no base but Exception
            raise ModelFailed(f"the model cannot explain its answers ({type(error).__name__})") from error
        return self._values.of(features)

    def check(self, rows: Inputs, answers: Answers, golden: Golden) -> None:
        """Raise ModelRefused where base and contributions do not add up to the answers of the first and the last row.

        They may differ by 1e-6, or where the golden rows are numbers by as much as these may.
        """
        for index in {0, len(rows) - 1}:
            try:
                contributions = self.of(rows[index : index + 1])
            except (ModelFailed, IndexError) as error:
                raise ModelRefused("its explanation is of other features than the model's") from error
            total = answered(self.base + contributions.sum(axis=1), self.scale)[0]
            labels, probabilities = answers
            expected = probabilities[index] if probabilities.shape[1] else labels[index : index + 1]
            allowed = max(_NEAR, golden.tolerance) + golden.relative_tolerance * np.abs(expected.astype(np.float64))
            if not (total.shape == expected.shape and bool((np.abs(total - expected) <= allowed).all())):
                raise ModelRefused("its explanation does not add up to its answers")


def answered(totals: Floats, scale: Scale) -> npt.NDArray[np.float64]:
    """Return the probabilities or predictions [n, outputs] that belong to totals on a scale."""
    with np.errstate(over="ignore"):
        if scale == "log-prediction":
            return np.asarray(np.exp(totals))
        if scale != "log-odds":
            return totals
        if totals.shape[1] == 2:
            return np.asarray(1 / (1 + np.exp(-totals)))
        shares = np.exp(totals - totals.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))
