"""An ONNX model as a LitServe API, one worker."""

import os
from typing import Any

import litserve
import numpy as np
import onnxruntime


class Forest(litserve.LitAPI):
    """Decodes, answers and encodes one request at a time."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe names it
        """Load the model in the worker."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = os.environ["BENCH_ONNX"]
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def decode_request(self, request: dict[str, Any]) -> Any:
        """Return the request's rows as a float32 matrix."""
        return np.array(request["instances"], dtype=np.float32)

    def predict(self, x: Any) -> Any:
        """Return the probabilities of the rows' classes."""
        return self.session.run(["probabilities"], {"input": x})[0]

    def encode_response(self, output: Any) -> dict[str, Any]:
        """Return the answer as JSON has it."""
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Forest(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), generate_client_file=False, log_level="warning")
