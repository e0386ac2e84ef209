"""Inference alone: python -m benchmarks.inference REPOSITORY FOREST THREADS SECONDS; prints rows a second as JSON."""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np

from benchmarks.model import NAME, many_rows
from model_repository import current_version, read_version
from serve.blocks import Blocks
from serve.model import LoadedModel

ROWS = 16_384


def main() -> None:
    """Measure scikit-learn's predict_proba and what answers Copse's requests on the same rows, one after the other."""
    repository, forest, threads, seconds = sys.argv[1:]
    rows = many_rows(ROWS).astype(np.float32)
    original = joblib.load(forest).set_params(n_jobs=int(threads))
    root = Path(repository)
    model = LoadedModel(read_version(root, NAME, current_version(root, NAME)))
    with ThreadPoolExecutor(int(threads)) as pool:
        blocks = Blocks(pool, int(threads))
        calls: dict[str, Callable[[], object]] = {
            "sklearn": lambda: original.predict_proba(rows),
            "copse": lambda: blocks.predict(model, rows),
        }
        print(json.dumps({name: _rate(call, float(seconds)) for name, call in calls.items()}))


def _rate(call: Callable[[], object], seconds: float) -> float:
    call()
    began, calls = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        call()
        calls += 1
    return calls * ROWS / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
