"""Regressors of a transformed target through the gate: numpy's functions, scalers and powers, undone."""

import warnings
from typing import Any

import numpy as np
import pytest
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from tests.conversions import converted, session
from tests.float64 import assert_near
from tests.gated import largest_difference, parity_of
from tests.models import data_of
from tests.proofs import SEED, examined, exported
from train.builtin import built_in
from train.data import split
from train.errors import ExportRefused
from train.original import Original

FOREST = RandomForestRegressor(10, random_state=1)


def of_logarithms(final: Any) -> Any:
    return TransformedTargetRegressor(final, func=np.log1p, inverse_func=np.expm1)


@pytest.mark.parametrize(
    "model",
    [
        of_logarithms(FOREST),
        of_logarithms(HistGradientBoostingRegressor(max_iter=10)),
        of_logarithms(make_pipeline(StandardScaler(), Ridge())),
        make_pipeline(StandardScaler(), of_logarithms(Ridge())),
        TransformedTargetRegressor(FOREST, func=np.sqrt, inverse_func=np.square),
        TransformedTargetRegressor(Ridge()),
        *(
            TransformedTargetRegressor(Ridge(), transformer=transformer)
            for transformer in (
                StandardScaler(),
                StandardScaler(with_mean=False),
                StandardScaler(with_std=False),
                MinMaxScaler((-1, 3)),
                MaxAbsScaler(),
                RobustScaler(),
                PowerTransformer(),
                PowerTransformer(standardize=False),
                PowerTransformer("box-cox"),
            )
        ),
    ],
    ids=repr,
)
def test_predictions_are_brought_back_as_scikit_learn_does_it(model: Any) -> None:
    assert largest_difference(parity_of(model, "diabetes")) <= 1e-6


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0, 1e-17, 0.3, -0.7, 2.5])
@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_every_power_is_undone(method: str, power: float) -> None:
    rows = np.linspace(-2, 3, 400)[:, None]
    transformer = PowerTransformer(method=method, standardize=False)
    model = TransformedTargetRegressor(Ridge(), transformer=transformer, check_inverse=False).fit(rows, rows[:, 0] + 3)
    model.transformer_.lambdas_ = np.array([power])
    model.regressor_.coef_, model.regressor_.intercept_ = np.array([1.0]), 0.0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of what has no inverse
        expected = model.predict(rows)[:, None].astype(np.float32)

    proto = converted(model, [("input", DoubleTensorType([None, 1]))])
    assert_near(session(proto).run(None, {"input": rows})[0], expected, 1e-6)


@pytest.mark.parametrize(
    "transformer",
    [
        QuantileTransformer(n_quantiles=10),
        FunctionTransformer(np.log1p, np.expm1, inv_kw_args={"casting": "same_kind"}),
    ],
)
def test_what_has_no_inverse_in_onnx_is_refused_with_a_way_out(transformer: Any) -> None:
    data = built_in("diabetes")
    model = TransformedTargetRegressor(Ridge(), transformer=transformer, check_inverse=False)
    model.fit(data.rows.astype(np.float64), data.targets)

    with pytest.raises(ExportRefused, match=r"a target transformed by .*Transformer has no exact form; .*np\.log1p"):
        exported(model, data.schema)


def test_a_function_that_onnx_does_not_have_is_refused() -> None:
    data = built_in("diabetes")
    model = TransformedTargetRegressor(Ridge(), func=np.arcsinh, inverse_func=np.sinh)
    model.fit(data.rows.astype(np.float64), data.targets)

    with pytest.raises(ExportRefused, match="the function sinh has no exact form"):
        exported(model, data.schema)


def test_columns_may_be_chosen_by_name_before_it() -> None:
    data = data_of("numbers", "regression")
    parts = split(data, 0.25, SEED)
    steps = make_column_transformer((StandardScaler(), ["bmi", "bp"]), remainder="drop")
    model = of_logarithms(make_pipeline(steps, Ridge())).fit(data.schema.frame(parts.fit_rows), parts.fit_targets)

    assert Original(model, data.schema).accepts(parts.fit_rows)
    assert examined(model, parts=parts, schema=data.schema).faults == []
