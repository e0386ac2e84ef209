"""Raw session.run: raw.py ONNX THREADS SECONDS; takes files of float32 rows, one a line, and prints rows a second."""

import sys
import time

import numpy as np
import onnxruntime


def main() -> None:
    """Answer each line."""
    onnx, threads, seconds = sys.argv[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    for line in sys.stdin:
        print(_rate(session, line.strip(), float(seconds)), flush=True)


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
