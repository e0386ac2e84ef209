"""How a model is made: all that, beside the data, determines it."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from train.estimators import own

EXAMPLE = "random-forest"


@dataclass(frozen=True)
class Recipe:
    """An estimator by name (one of ours, or module:function), or one that is fitted already, and what it is given.

    One seed decides the split, all that is random in the estimator, and the random rows of the proof. `scheduler` is a
    Dask cluster's address; where a model is fitted does not determine it.
    """

    estimator: str = EXAMPLE
    parameters: dict[str, Any] = field(default_factory=dict)
    search: dict[str, list[Any]] = field(default_factory=dict)
    held_out: float = 0.2
    seed: int = 42
    code: Path = Path()
    fitted: Path | None = None
    trust_joblib: bool = False
    scheduler: str | None = None

    def described(self) -> dict[str, Any]:
        """Return all that, beside the data, determines the model; code and files by their SHA-256."""
        source: dict[str, Any] = {"estimator": self.estimator}
        if self.fitted:
            source = {"fitted": hashlib.sha256(self.fitted.read_bytes()).hexdigest()}
        elif own.is_own(self.estimator):
            source["code"] = own.digest(self.estimator, self.code)
        chosen = {"parameters": self.parameters, "search": self.search, "held_out": self.held_out, "seed": self.seed}
        return source | chosen
