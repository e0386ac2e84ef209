"""The one place in train/ that loads ONNX Runtime: its telemetry is off before the import."""

import os
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it is read when the library is imported, below

import numpy as np
import numpy.typing as npt
import onnxruntime

LABEL, PROBABILITIES, PREDICTION = "label", "probabilities", "prediction"
FEATURES = "features"  # what trees compare, where steps come before them; only explanations ask for it

# They share no base but Exception; all are built by pybind11 in one module.
ONNX_RUNTIME_ERRORS = tuple(
    kind
    for kind in vars(onnxruntime.capi.onnxruntime_pybind11_state).values()
    if isinstance(kind, type) and issubclass(kind, Exception)
)

Answers = tuple[npt.NDArray[np.generic], npt.NDArray[np.float32]]
Inputs = dict[str, npt.NDArray[Any]]


class Session:
    """A fresh session over the bytes of a model, as the server would make it."""

    def __init__(self, onnx: bytes, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what fails is raised, and told by us
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        given = [output.name for output in self._session.get_outputs()]
        self._outputs = [name for name in given if name != FEATURES]
        self.gives_features = FEATURES in given

    def run(self, inputs: Inputs) -> Answers:
        """Return labels [n] (or predictions) and probabilities [n, classes or 0] for the graph's inputs."""
        answers = dict(zip(self._outputs, self._session.run(self._outputs, inputs), strict=True))
        if PREDICTION in answers:
            predictions = answers[PREDICTION].reshape(-1)
            return predictions, np.empty((len(predictions), 0), np.float32)
        labels = answers[LABEL]
        return labels, answers.get(PROBABILITIES, np.empty((len(labels), 0), np.float32))

    def features(self, inputs: Inputs) -> npt.NDArray[Any]:
        """Return what the model's trees compare, [n, features], of a graph that gives it."""
        found: npt.NDArray[Any] = self._session.run([FEATURES], inputs)[0]
        return found


def version() -> str:
    """Return ONNX Runtime's version."""
    return str(onnxruntime.__version__)
