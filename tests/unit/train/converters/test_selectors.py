"""Selectors of columns, before a forest and among the steps of a linear model, through the gate."""

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_selection import (
    RFE,
    RFECV,
    SelectFromModel,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.proofs import PARTS, examined

LOGISTIC = LogisticRegression(max_iter=500)
TREES = ExtraTreesClassifier(10, random_state=1)
SELECTORS = [
    SelectKBest(k=5),
    SelectPercentile(percentile=40),
    SelectFromModel(TREES),
    RFE(TREES, n_features_to_select=4, step=8),
    RFECV(TREES, step=10, cv=2),
    SequentialFeatureSelector(GaussianNB(), n_features_to_select=2, cv=2),
    VarianceThreshold(0.001),
]


@pytest.mark.parametrize("selector", SELECTORS, ids=lambda selector: type(selector).__name__)
def test_a_forest_behind_a_selector_is_the_same_in_every_bit(selector: Any) -> None:
    model = make_pipeline(clone(selector), RandomForestClassifier(10, random_state=1))

    verdict = examined(model.fit(PARTS.fit_rows.astype(np.float64), PARTS.fit_targets))

    assert verdict.faults == []
    assert sum(each.different_bits for each in verdict.parity.row_sets) == 0


@pytest.mark.parametrize("selector", SELECTORS, ids=lambda selector: type(selector).__name__)
def test_a_linear_model_behind_a_selector_answers_as_scikit_learn_does(selector: Any) -> None:
    model = make_pipeline(StandardScaler(), clone(selector), LOGISTIC)

    assert examined(model.fit(PARTS.fit_rows.astype(np.float64), PARTS.fit_targets)).faults == []
