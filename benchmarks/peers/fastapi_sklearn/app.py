"""A forest from a joblib file behind FastAPI."""

import os

import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
forest = joblib.load(os.environ["BENCH_FOREST"])


class Question(BaseModel):
    """Rows of numbers."""

    instances: list[list[float]]


class Answer(BaseModel):
    """The probabilities of each row's classes."""

    predictions: list[list[float]]


@app.post("/predict")
def predict(question: Question) -> Answer:
    """Answer rows in a thread of the pool, as FastAPI advises for work that does not await."""
    rows = np.array(question.instances, dtype=np.float32)
    return Answer(predictions=forest.predict_proba(rows).tolist())
