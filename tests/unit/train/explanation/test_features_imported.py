"""An export that gives features beside its answers can be imported like any other; its answers are served alone."""

from pathlib import Path

import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_repository import read_version
from serve.model import LoadedModel
from train.builtin import built_in
from train.explanation import draft
from train.export import export
from train.importing.job import Order, run
from train.onnx_runtime import Session
from train.original import Original


@pytest.mark.parametrize(
    ("name", "estimator"),
    [
        ("wine", RandomForestClassifier(10, random_state=0)),
        ("diabetes", GradientBoostingRegressor(n_estimators=10)),
    ],
)
def test_an_export_with_features_is_imported_without_them(
    tmp_path: Path, name: str, estimator: RandomForestClassifier | GradientBoostingRegressor
) -> None:
    data = built_in(name)
    original = Original(make_pipeline(StandardScaler(), estimator).fit(data.rows, data.targets), data.schema)
    content = draft(original, export(original), data.rows).content
    assert Session(content).gives_features
    (tmp_path / "model.onnx").write_bytes(content)
    pd.DataFrame(data.rows, columns=data.schema.names).to_csv(tmp_path / "rows.csv", index=False)

    version = run(tmp_path / "models", Order(tmp_path / "model.onnx", tmp_path / "rows.csv", "imported"))
    served = LoadedModel(read_version(tmp_path / "models", "imported", version))

    assert served.explanation is None
    rows = data.rows[:5]
    labels, shares = served.predict(rows)
    own_labels, own_shares = Session(content).run({"input": rows})
    assert labels.tolist() == own_labels.tolist()
    assert shares.tolist() == own_shares.tolist()
