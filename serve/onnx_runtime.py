"""The one place in serve/ that loads ONNX Runtime: its telemetry is off before the import."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it is read when the library is imported, below

import numpy as np
import numpy.typing as npt
import onnxruntime

from serve.errors import ModelRefused

Rows = npt.NDArray[np.float32]
Answers = tuple[npt.NDArray[np.generic], npt.NDArray[np.float32]]

_OUTPUTS = ["label", "probabilities"]


class Session:
    """An ONNX Runtime session over a model's bytes: one thread, no spinning; safe to use from several threads."""

    def __init__(self, onnx: bytes, width: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # what fails is raised, and told by us
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors share no base but Exception
            raise ModelRefused(f"ONNX Runtime cannot load it ({type(error).__name__})") from error
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or list(inputs[0].shape[1:]) != [width]:
            raise ModelRefused(f"its input is not float32 rows of the manifest's {width} columns")
        if not set(_OUTPUTS) <= {output.name for output in self._session.get_outputs()}:
            raise ModelRefused("it does not give a label and probabilities")
        self._input = inputs[0].name

    def run(self, rows: Rows) -> Answers:
        """Return labels [n] and probabilities [n, classes] for contiguous float32 rows [n, columns]."""
        labels, probabilities = self._session.run(_OUTPUTS, {self._input: rows})
        return labels, probabilities
