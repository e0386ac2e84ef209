"""A search over parameters: scikit-learn's own grid search, with its progress shown."""

from typing import Any

from sklearn.base import is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, ParameterGrid

from train.data import Targets
from train.errors import BadEstimator
from train.estimators.reasons import reason
from train.report import progress

FOLDS = 5


def search(model: Any, choices: dict[str, list[Any]], table: Any, targets: Targets) -> tuple[Any, str]:
    """Fit each combination on 5 folds; return the best, fitted on all rows, and a line about it.

    Raises:
        BadEstimator: no combination can be fitted.

    """
    name = "accuracy" if is_classifier(model) else "r2"
    scorer = get_scorer(name)
    candidates = len(ParameterGrid(choices))
    with progress(candidates * FOLDS, "fits") as advance:

        def counted(estimator: Any, rows: Any, answers: Any) -> float:
            score = float(scorer(estimator, rows, answers))
            advance(1)
            return score

        grid = GridSearchCV(model, choices, scoring=counted, cv=FOLDS, error_score="raise")
        try:
            grid.fit(table, targets)
        except (ValueError, TypeError) as error:
            raise BadEstimator(f"a combination of --search cannot be fitted: {reason(error)}") from None
    best = ", ".join(f"{key.rpartition('__')[2]} {value}" for key, value in grid.best_params_.items())
    return grid.best_estimator_, f"best of {candidates}: {best} ({name} {grid.best_score_:.3f} on {FOLDS} folds)"
