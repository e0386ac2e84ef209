"""Fitting and scoring."""

from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score

from train.data import Split


def fit(parts: Split, parameters: dict[str, Any]) -> Any:
    """Return a forest fitted on the rows that are not held out."""
    return RandomForestClassifier(**parameters).fit(parts.fit_rows, parts.fit_targets)


def score(model: Any, parts: Split) -> dict[str, float]:
    """Return accuracy and F1 on the held-out rows; F1 is the second class's of two, else the mean over classes."""
    expected, answers = parts.held_out_targets, model.predict(parts.held_out_rows)
    average = (
        {"average": "binary", "pos_label": model.classes_[1]} if len(model.classes_) == 2 else {"average": "macro"}
    )
    return {
        "accuracy": float(accuracy_score(expected, answers)),
        "f1": float(f1_score(expected, answers, **average)),
    }
