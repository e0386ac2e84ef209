"""Prediction logs of small models, and what was written to them."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serve.model import LoadedModel
from serve.onnx_runtime import Answers
from serve.prediction_log import log as module
from serve.prediction_log.log import PredictionLog, Sink
from serve.prediction_log.samples import Policy
from tests.mixed_models import Row, version

MIXED = LoadedModel(version("classes"))
KEY = b"sixteen bytes or more"
BYTES = 2**22  # the least that may be asked for
EVERYTHING = Policy()


@contextmanager
def logging_to(sink: Sink, policy: Policy = EVERYTHING, share: float = 1.0) -> Iterator[PredictionLog]:
    """Have requests written to a sink; all of them are when the block is left."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "LOOK_SECONDS", 0.001)
        log = PredictionLog(sink, share, policy)
        yield log
        asyncio.run(log.close())


def answers_to(rows: int, share: float = 0.25) -> Answers:
    """Return answers as the mixed model gives them."""
    return np.array(["no"] * rows, object), np.full((rows, 2), [1 - share, share], np.float32)


def offer(log: PredictionLog, rows: list[Row], request_id: str = "asked", share: float = 0.25) -> None:
    """Offer a request that the mixed model answered."""
    log.offer(MIXED, MIXED.signature.inputs(rows), answers_to(len(rows), share), request_id)


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file, each of which must be whole."""
    content = path.read_bytes()
    assert content.endswith(b"\n") or not content
    return [json.loads(line) for line in content.splitlines()]


def accounted(log: PredictionLog) -> int:
    """Return how many rows were written or dropped."""
    return log.rows + sum(log.dropped.values())
