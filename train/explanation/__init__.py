"""What explains a model's answers: each column's contribution, computed in serving from what is written here."""

from train.explanation.draft import MOST_CHECKED, Draft, draft

__all__ = ["MOST_CHECKED", "Draft", "draft"]
