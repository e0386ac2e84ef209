"""An ONNX model behind FastAPI, answered on the event loop: faster than in the pool of threads for a small model."""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["BENCH_ONNX"], options, providers=["CPUExecutionProvider"])
app = FastAPI()


class Question(BaseModel):
    """Rows of numbers."""

    instances: list[list[float]]


class Answer(BaseModel):
    """The probabilities of each row's classes."""

    predictions: list[list[float]]


@app.post("/predict")
async def predict(question: Question) -> Answer:
    """Answer rows with the probabilities of their classes."""
    rows = np.array(question.instances, dtype=np.float32)
    return Answer(predictions=session.run(["probabilities"], {"input": rows})[0].tolist())
