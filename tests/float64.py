"""Transformers of float64 rows: what their export gives, beside what scikit-learn gives."""

from typing import Any

import numpy as np
import numpy.typing as npt
from skl2onnx.common.data_types import DoubleTensorType

from tests.conversions import converted, session

Doubles = npt.NDArray[np.float64]


def exported_rows(transformer: Any, rows: Doubles) -> Doubles:
    """Return what the export of a fitted transformer makes of rows, and check that it is float64."""
    types = [("input", DoubleTensorType([None, rows.shape[1]]))]
    found: Doubles = session(converted(transformer, types)).run(None, {"input": rows})[0]
    assert found.dtype == np.float64
    return found


def transformed(transformer: Any, rows: Doubles) -> Doubles:
    """Return what scikit-learn makes of rows; infinite numbers, which it refuses at the next step, count as missing."""
    with np.errstate(all="ignore"):
        found: Doubles = np.asarray(transformer.transform(rows.copy()))
    return np.where(np.isinf(found), np.nan, found)


def assert_near(found: Doubles, expected: Doubles, relative: float) -> None:
    """Check that numbers differ by no more than a part of themselves, and that the same ones are missing."""
    np.testing.assert_allclose(found, expected, rtol=relative, atol=0.0, equal_nan=True)


def as_float32_holds(rows: Any) -> Doubles:
    """Return rows as the contract has them: float64 numbers that float32 holds."""
    return np.asarray(rows).astype(np.float32).astype(np.float64)
