"""Support vector machines give libsvm's labels on and beside the jumps between classes."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, NuSVC, NuSVR

from tests.conversions import converted, of_numbers, session, spread
from tests.gated import largest_difference, other_labels, parity_of
from train.builtin import built_in
from train.errors import ExportRefused

KERNELS: list[dict[str, Any]] = [
    {"kernel": "rbf"},
    {"kernel": "rbf", "gamma": 1.0},
    {"kernel": "linear"},
    {"kernel": "poly", "coef0": 0.5},
    {"kernel": "poly", "degree": 2},
    {"kernel": "sigmoid"},
]


@pytest.mark.parametrize("data", ["wine", "breast-cancer"])
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_a_kernel_gives_every_label(kernel: dict[str, Any], data: str) -> None:
    assert other_labels(parity_of(make_pipeline(StandardScaler(), SVC(**kernel)), data)) == 0


@pytest.mark.parametrize("data", ["wine", "breast-cancer"])
@pytest.mark.parametrize("model", [SVC(), NuSVC(nu=0.1)], ids=str)
def test_columns_of_very_different_size_give_every_label(model: Any, data: str) -> None:
    assert other_labels(parity_of(model, data)) == 0


@pytest.mark.parametrize(("shape", "broken"), [("ovo", False), ("ovr", False), ("ovr", True)])
def test_ties_between_votes_are_broken_as_in_scikit_learn(*, shape: str, broken: bool) -> None:
    data = built_in("digits")
    rows = spread(data.rows, 3_000)
    model = SVC(kernel="sigmoid", break_ties=broken, decision_function_shape=shape).fit(data.rows, data.targets)

    (label, *_) = session(converted(model, of_numbers(rows.shape[1]))).run(None, {"input": rows})

    assert label.tolist() == model.predict(rows).tolist()


@pytest.mark.parametrize("data", ["wine", "breast-cancer"])
@pytest.mark.parametrize("shape", ["ovo", "ovr"])
def test_a_stack_reads_the_decision_function(shape: str, data: str) -> None:
    held = [("svm", make_pipeline(StandardScaler(), SVC(decision_function_shape=shape)))]
    model = StackingClassifier(held, final_estimator=LogisticRegression(), cv=2)

    assert largest_difference(parity_of(model, data)) < 1e-6


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_a_regressor_passes_the_gate(kernel: dict[str, Any]) -> None:
    assert largest_difference(parity_of(make_pipeline(StandardScaler(), SVR(**kernel)), "diabetes")) < 1e-6


def test_a_regressor_with_a_share_of_support_vectors_passes_the_gate() -> None:
    assert largest_difference(parity_of(make_pipeline(StandardScaler(), NuSVR(C=100)), "diabetes")) < 1e-6


@pytest.mark.parametrize("kind", [SVC, NuSVC])
@pytest.mark.filterwarnings("ignore:.*probability.*:FutureWarning")
def test_probabilities_that_jump_are_refused(kind: type[Any]) -> None:
    with pytest.raises(ExportRefused, match="CalibratedClassifierCV"):
        parity_of(kind(probability=True), "iris")


def test_a_kernel_of_ones_own_is_refused() -> None:
    with pytest.raises(ExportRefused, match="kernel"):
        parity_of(SVC(kernel=np.inner), "iris")
