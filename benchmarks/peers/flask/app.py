"""A forest from a joblib file behind Flask, as tutorials do it."""

import os

import joblib
import numpy as np
from flask import Flask, Response, jsonify, request

app = Flask(__name__)
forest = joblib.load(os.environ["BENCH_FOREST"])


@app.post("/predict")
def predict() -> Response:
    """Answer rows with the probabilities of their classes."""
    rows = np.array(request.get_json()["instances"], dtype=np.float32)
    return jsonify(predictions=forest.predict_proba(rows).tolist())
