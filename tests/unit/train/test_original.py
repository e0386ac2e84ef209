"""The fitted model as the reference: searches, several outputs, data frames."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - it makes the class below known
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.proofs import EXAMPLE, PARTS, examined
from train.errors import BadEstimator, ExportRefused
from train.original import Original
from train.schema import Schema

FOREST = RandomForestClassifier(5, random_state=1)
DEPTHS = {"max_depth": [2, 30]}


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(FOREST, DEPTHS, cv=2),
        RandomizedSearchCV(FOREST, DEPTHS, n_iter=2, cv=2, random_state=1),
        HalvingGridSearchCV(FOREST, DEPTHS, cv=2, random_state=1),
    ],
    ids=lambda search: type(search).__name__,
)
def test_of_a_search_the_best_that_it_found_is_proved(search: Any) -> None:
    search.fit(PARTS.fit_rows, PARTS.fit_targets)

    assert Original(search, EXAMPLE.schema).model is search.best_estimator_
    verdict = examined(search)
    assert verdict.faults == []
    assert "thresholds" in {each.name for each in verdict.parity.row_sets}


def test_a_search_among_the_steps_of_a_pipeline_is_proved() -> None:
    choices = {"C": [0.1, 1.0]}
    model = make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), choices, cv=2))

    assert examined(model.fit(PARTS.fit_rows.astype(np.float64), PARTS.fit_targets)).faults == []


def test_a_search_that_kept_no_model_is_refused() -> None:
    search = GridSearchCV(FOREST, DEPTHS, cv=2, refit=False).fit(PARTS.fit_rows, PARTS.fit_targets)

    with pytest.raises(BadEstimator, match="GridSearchCV has kept no fitted model; leave refit as it is"):
        Original(search, EXAMPLE.schema)


ROWS = np.random.default_rng(1).random((30, 2)).astype(np.float32)
TARGETS = np.column_stack([np.arange(30) % 2, np.arange(30) % 3])


@pytest.mark.parametrize(
    "model",
    [
        MultiOutputClassifier(LogisticRegression()),
        ClassifierChain(LogisticRegression()),
        FOREST,
        make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression())),
        MultiOutputRegressor(Ridge()),
        Ridge(),
    ],
    ids=repr,
)
def test_a_model_of_several_outputs_is_refused(model: Any) -> None:
    model.fit(ROWS, TARGETS)

    with pytest.raises(ExportRefused, match="several outputs cannot be exported; fit one for each output"):
        Original(model, Schema.of_numbers(["a", "b"])).answers(ROWS)
