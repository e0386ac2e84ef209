"""An ONNX model as a model of KServe's Python server."""

import os
from typing import Any

import kserve
import numpy as np
import onnxruntime


class Forest(kserve.Model):
    """One model of the older protocol: instances in, predictions out."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.load()

    def load(self) -> bool:
        """Load the model, and be ready."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = os.environ["BENCH_ONNX"]
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.ready = True
        return self.ready

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:  # noqa: ARG002
        """Answer rows with the probabilities of their classes."""
        rows = np.array(payload["instances"], dtype=np.float32)
        return {"predictions": self.session.run(["probabilities"], {"input": rows})[0].tolist()}


if __name__ == "__main__":
    server = kserve.ModelServer(
        http_port=int(os.environ["BENCH_PORT"]), workers=1, enable_grpc=False, enable_latency_logging=False
    )
    server.start([Forest("forest")])
