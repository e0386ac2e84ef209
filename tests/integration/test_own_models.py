"""An estimator of one's own, a fitted one from a skops file, and a model of LightGBM: published, and asked by HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxmltools
import onnxruntime
import pandas as pd
import pytest
import skops.io
from lightgbm import LGBMClassifier
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.ensemble import ExtraTreesClassifier

from scripts import example_tables
from tests.servers import serving
from train import cli
from train.importing import cli as import_cli

TARGET = "outcome"
NUMBERS = ["amount", "months", "salary"]
OWN = """
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

def make_estimator():
    texts = OneHotEncoder(handle_unknown="ignore"), ["work", "purpose"]
    prepare = make_column_transformer((StandardScaler(), ["amount", "months"]), texts, remainder="passthrough")
    return make_pipeline(prepare, RandomForestClassifier(20, random_state=3))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    example_tables.write_examples(folder)
    (folder / "pipelines.py").write_text(OWN)
    return folder


@pytest.fixture(scope="module")
def loans(folder: Path) -> pd.DataFrame:
    """Return the table as its owner sees it, in the numbers that the server gets."""
    table = pd.read_csv(folder / "loans.csv").drop(columns=["customer", "day"])
    table[["work", "purpose"]] = table[["work", "purpose"]].fillna("")
    table["owns home"] = table["owns home"].astype(np.float64)
    table[NUMBERS] = table[NUMBERS].astype(np.float32).astype(np.float64)
    return table


@pytest.fixture(scope="module")
def light(loans: pd.DataFrame) -> bytes:
    """Return the export of a model of LightGBM."""
    model = LGBMClassifier(n_estimators=20, verbose=-1, random_state=1)
    model.fit(loans[NUMBERS].to_numpy(), loans[TARGET].to_numpy())
    proto = onnxmltools.convert_lightgbm(model, initial_types=[("rows", FloatTensorType([None, 3]))], zipmap=False)
    content: bytes = proto.SerializeToString()
    return content


@pytest.fixture(scope="module")
def fitted(loans: pd.DataFrame) -> ExtraTreesClassifier:
    return ExtraTreesClassifier(20, random_state=2).fit(loans[NUMBERS], loans[TARGET])


@pytest.fixture(scope="module")
def asking(folder: Path, loans: pd.DataFrame, light: bytes, fitted: ExtraTreesClassifier) -> Iterator[httpx.Client]:
    """Publish all three with the commands, and serve them."""
    (folder / "light.onnx").write_bytes(light)
    loans[NUMBERS].to_csv(folder / "sample.csv", index=False)
    loans[[*NUMBERS, TARGET]].to_csv(folder / "numbers.csv", index=False)
    skops.io.dump(fitted, folder / "fitted.skops")
    models = ["--models", str(folder / "models")]
    dropped = ["--drop", "customer", "--drop", "day", "--name", "own"]
    own = ["--estimator", "pipelines:make_estimator", "--code", str(folder)]
    data = ["--data", str(folder / "loans.csv"), "--target", TARGET]
    assert cli.main([*models, *data, *dropped, *own]) == 0
    data = ["--data", str(folder / "numbers.csv"), "--target", TARGET]
    assert cli.main([*models, *data, "--name", "fitted", "--fitted", str(folder / "fitted.skops")]) == 0
    assert import_cli.main([str(folder / "light.onnx"), "--sample", str(folder / "sample.csv"), *models]) == 0
    with serving(folder / "models") as server, httpx.Client(base_url=server.address, timeout=30) as http:
        yield http


def answers(asking: httpx.Client, model: str, table: pd.DataFrame) -> tuple[list[Any], Any]:
    records = table.astype(object).where(table.notna() & (table != ""), None).to_dict(orient="records")
    response = asking.post(f"/models/{model}/predict", json={"instances": records})
    assert response.status_code == 200, response.text
    predictions = response.json()["predictions"]
    probabilities = np.array([each["probabilities"] for each in predictions], dtype=np.float32)
    return [each["prediction"] for each in predictions], probabilities


def test_an_estimator_of_ones_own_answers_as_its_owner_fits_it(loans: pd.DataFrame, asking: httpx.Client) -> None:
    """Its owner knows the rows that were held out by their labels' proportions and the seed, as scikit-learn splits."""
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - only this test needs it

    names: dict[str, Any] = {}
    exec(OWN, names)  # noqa: S102 - the file above
    rows, held_out, labels, _ = train_test_split(
        loans.drop(columns=TARGET), loans[TARGET], test_size=0.2, stratify=loans[TARGET], random_state=42
    )
    model = names["make_estimator"]().fit(rows, labels)

    given, probabilities = answers(asking, "own", held_out)

    assert given == model.predict(held_out).tolist()
    assert (probabilities == model.predict_proba(held_out).astype(np.float32)).all()


def test_a_model_from_a_skops_file_answers_as_it_does(
    loans: pd.DataFrame, asking: httpx.Client, fitted: ExtraTreesClassifier
) -> None:
    given, probabilities = answers(asking, "fitted", loans[NUMBERS][:500])

    assert given == fitted.predict(loans[NUMBERS][:500]).tolist()
    assert (probabilities == fitted.predict_proba(loans[NUMBERS][:500]).astype(np.float32)).all()


def test_a_model_of_lightgbm_answers_as_its_graph_does(loans: pd.DataFrame, asking: httpx.Client, light: bytes) -> None:
    given, probabilities = answers(asking, "light", loans[NUMBERS][:500])

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # as the server has; sums in float32 depend on it
    options.log_severity_level = 4  # the file claims a shape of its labels that they do not have
    graph = onnxruntime.InferenceSession(light, options, providers=["CPUExecutionProvider"])
    labels, expected = graph.run(None, {"rows": loans[NUMBERS][:500].to_numpy(np.float32)})
    assert given == labels.tolist()
    assert (probabilities == expected).all()
