"""Projections on fewer columns: within what float32 rounds off, in scikit-learn's precision."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD

from tests.conversions import converted, expected, of_numbers, session, spread

ROWS = load_breast_cancer().data.astype(np.float32)


@pytest.mark.parametrize("fitted_on", [ROWS, ROWS.astype(np.float64)], ids=["float32", "float64"])
@pytest.mark.parametrize(
    "projection",
    [PCA(5), PCA(1), PCA(0.999), PCA(whiten=True), IncrementalPCA(3), TruncatedSVD(4, random_state=1)],
    ids=repr,
)
def test_a_projection_is_close(projection: Any, fitted_on: Any) -> None:
    rows = spread(ROWS)
    (answer,) = expected(projection.fit(fitted_on), rows)

    (found,) = session(converted(projection, of_numbers(rows.shape[1]))).run(None, {"input": rows})

    assert found.dtype == answer.dtype
    assert found == pytest.approx(answer, rel=1e-5, abs=1e-6 * float(np.abs(answer).max()))
