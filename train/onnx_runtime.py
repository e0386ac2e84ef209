"""The one place in train/ that loads ONNX Runtime: its telemetry is off before the import."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it is read when the library is imported, below

import numpy as np
import numpy.typing as npt
import onnxruntime

LABEL, PROBABILITIES = "label", "probabilities"

# They share no base but Exception; all are built by pybind11 in one module.
ONNX_RUNTIME_ERRORS = tuple(
    kind
    for kind in vars(onnxruntime.capi.onnxruntime_pybind11_state).values()
    if isinstance(kind, type) and issubclass(kind, Exception)
)

Answers = tuple[npt.NDArray[np.generic], npt.NDArray[np.float32]]


class Session:
    """A fresh session over the bytes of a model, as the server would make it."""

    def __init__(self, onnx: bytes, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def run(self, rows: npt.NDArray[np.float32]) -> Answers:
        """Return labels [n] and probabilities [n, classes] for rows [n, columns]."""
        labels, probabilities = self._session.run([LABEL, PROBABILITIES], {self._input: rows})
        return labels, probabilities


def version() -> str:
    """Return ONNX Runtime's version."""
    return str(onnxruntime.__version__)
