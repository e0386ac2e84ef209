"""numpy's functions of single numbers, behind a FunctionTransformer, in float64."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tests.float64 import as_float32_holds, assert_near, exported_rows, transformed
from tests.proofs import EXAMPLE, PARTS, examined, exported
from train.converters.functions import FUNCTIONS
from train.errors import ExportRefused

RANDOM = np.random.default_rng(7)
SIZES = 10.0 ** RANDOM.uniform(-44, 38, 4_000)
SPECIAL = [0.0, 1.0, -1.0, 1e-45, -1e-45, 3e38, -3e38, 8.0, 27.0, 0.5, -0.5, 2.5, 88.0, 709.0, 745.0, np.nan]
ROWS = as_float32_holds(np.concatenate([RANDOM.normal(size=4_000) * 3, SIZES, -SIZES, SPECIAL])[:, None])
SAME_BITS = {"absolute", "ceil", "fabs", "floor", "nan_to_num", "negative", "positive", "reciprocal", "rint", "sign"}
LAST_DIGITS = {"cos": 1e-11, "exp2": 1e-13, "sin": 1e-12}  # near a zero of the function, or at the end of the range


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_a_function_is_exact_to_the_last_digits_of_float64_and_the_same_once_it_is_float32(function: Any) -> None:
    model = FunctionTransformer(function).fit(ROWS)
    found, expected = exported_rows(model, ROWS), transformed(model, ROWS)

    exact = function.__name__ in SAME_BITS | {"sqrt", "square"}
    assert_near(found, expected, 0.0 if exact else LAST_DIGITS.get(function.__name__, 1e-15))
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(found.astype(np.float32), expected.astype(np.float32))


@pytest.mark.parametrize(("function", "least"), [(np.log1p, -1.0), (np.expm1, -30.0)], ids=str)
def test_no_digits_are_lost_near_zero(function: Any, least: float) -> None:
    near = np.concatenate([10.0 ** RANDOM.uniform(-20, 0, 2_000), -(10.0 ** RANDOM.uniform(-20, 0, 2_000)), [0.0]])
    rows = np.append(near[near > least], [least, 0.5, -0.5, np.nextafter(0.5, 0), np.nextafter(-0.5, 0)])[:, None]
    model = FunctionTransformer(function).fit(rows)

    assert_near(exported_rows(model, rows), transformed(model, rows), 1e-15)


def test_without_a_function_rows_stay_as_they_are() -> None:
    np.testing.assert_array_equal(exported_rows(FunctionTransformer().fit(ROWS), ROWS), ROWS)


def plus_one(rows: Any) -> Any:
    return rows + 1


@pytest.mark.parametrize("function", [plus_one, np.arctan, np.round], ids=lambda each: each.__name__)
def test_a_function_that_onnx_does_not_have_is_refused_with_those_that_it_has(function: Any) -> None:
    model = make_pipeline(FunctionTransformer(function), RandomForestClassifier(2, random_state=1))

    with pytest.raises(ExportRefused, match=rf"the function {function.__name__} has no exact form.*absolute, cbrt, .*"):
        exported(model.fit(PARTS.fit_rows, PARTS.fit_targets))


def test_arguments_of_a_function_are_refused() -> None:
    model = make_pipeline(FunctionTransformer(np.log1p, kw_args={"casting": "same_kind"}), RandomForestClassifier(2))

    with pytest.raises(ExportRefused, match="kw_args"):
        exported(model.fit(PARTS.fit_rows, PARTS.fit_targets))


@pytest.mark.parametrize("function", [np.log1p, np.sqrt, np.cbrt], ids=lambda each: each.__name__)
def test_a_forest_behind_a_function_is_the_same_in_every_bit(function: Any) -> None:
    model = make_pipeline(FunctionTransformer(function), RandomForestClassifier(20, random_state=1))
    model.fit(PARTS.fit_rows.astype(np.float64), PARTS.fit_targets)

    verdict = examined(model, schema=EXAMPLE.schema)

    assert verdict.faults == []
    assert sum(each.different_bits for each in verdict.parity.row_sets) == 0
