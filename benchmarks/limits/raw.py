"""Raw session.run: raw.py ONNX THREADS SECONDS ROWS.npy ...; prints rows a second for each file of float32 rows."""

import json
import sys
import time

import numpy as np
import onnxruntime


def main() -> None:
    """Measure and print."""
    onnx, threads, seconds, *files = sys.argv[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    print(json.dumps({file: _rate(session, file, float(seconds)) for file in files}))


def _rate(session: onnxruntime.InferenceSession, file: str, seconds: float) -> float:
    rows = np.load(file)
    session.run(None, {"input": rows})
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        session.run(None, {"input": rows})
        calls += 1
    return calls * len(rows) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
