"""An ONNX model as a BentoML service."""

import os
from typing import Any

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class Forest:
    """One worker with one session."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = os.environ["BENCH_ONNX"]
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    @bentoml.api
    def predict(self, instances: list[list[float]]) -> list[list[float]]:
        """Answer rows with the probabilities of their classes."""
        found: Any = self.session.run(["probabilities"], {"input": np.array(instances, dtype=np.float32)})
        probabilities: list[list[float]] = found[0].tolist()
        return probabilities
