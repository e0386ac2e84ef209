"""What tests of imports share: a folder to import into, and models of other libraries with samples of their rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from model_repository import Manifest, PublishedVersion, read_version
from serve.model import LoadedModel
from train.importing.job import Order, run

Import = Callable[..., "Imported"]
LOADERS = {"cancer": load_breast_cancer, "wine": load_wine, "diabetes": load_diabetes}


class Imported:
    """A model that was imported: what was published, and the server's own way to answer with it."""

    def __init__(self, published: PublishedVersion, said: str) -> None:
        self.published, self.said = published, said
        self.manifest: Manifest = published.manifest
        self.served = LoadedModel(published)

    def answers(self, rows: list[list[Any]]) -> Any:
        return self.served.predict(self.served.signature.inputs(rows))


@pytest.fixture
def imports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Import:
    """Return a function that imports a model with a sample, and reads what was published."""

    def run_import(model: onnx.ModelProto, sample: pd.DataFrame, **order: Any) -> Imported:
        (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
        sample.to_csv(tmp_path / "rows.csv", index=False)
        wanted = Order(tmp_path / "model.onnx", tmp_path / "rows.csv", "imported", **order)
        version = run(tmp_path / "models", wanted)
        return Imported(read_version(tmp_path / "models", "imported", version), capsys.readouterr().out)

    return run_import


def frame(name: str) -> pd.DataFrame:
    """Return a data set of scikit-learn as a frame whose last column is `target`."""
    found: pd.DataFrame = LOADERS[name](as_frame=True).frame
    return found.astype(dict.fromkeys(found.columns[:-1], "float32"))


@pytest.fixture(scope="session")
def frames() -> dict[str, pd.DataFrame]:
    """Return data sets of scikit-learn as frames whose last column is `target`."""
    return {name: frame(name) for name in LOADERS}
