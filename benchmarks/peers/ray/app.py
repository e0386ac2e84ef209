"""An ONNX model as a Ray Serve deployment of one replica."""

import os
import time
from typing import Any

import numpy as np
import onnxruntime
import ray
from ray import serve
from starlette.requests import Request


class Forest:
    """One replica with one session."""

    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Answer rows with the probabilities of their classes."""
        rows = np.array((await request.json())["instances"], dtype=np.float32)
        found: Any = self.session.run(["probabilities"], {"input": rows})
        return {"predictions": found[0].tolist()}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=os.environ["BENCH_FOLDER"])
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["BENCH_PORT"])})
    deployment = serve.deployment(num_replicas=1)(Forest)
    serve.run(deployment.bind(os.environ["BENCH_ONNX"]), route_prefix="/predict")
    while True:
        time.sleep(1)
