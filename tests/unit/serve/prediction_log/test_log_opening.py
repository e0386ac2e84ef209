"""The prediction log as settings ask for it: what cannot be used is one sentence at start."""

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from serve.prediction_log.json_lines import LineFile, StandardOutput
from serve.prediction_log.log import PredictionLog
from serve.prediction_log.opening import open_log
from serve.prediction_log.parquet import ParquetFolder
from serve.prediction_log.samples import Policy
from serve.settings import SettingError, Settings
from tests.prediction_logs import KEY


def opened(path: Path, **given: Any) -> PredictionLog:
    log = open_log(path, Settings(models=Path("models"), prediction_log=path, **given), list)
    asyncio.run(log.close())
    return log


def test_the_ending_is_the_format(tmp_path: Path) -> None:
    assert isinstance(opened(Path("-"))._sink, StandardOutput)
    assert isinstance(opened(tmp_path / "log.jsonl")._sink, LineFile)
    assert isinstance(opened(tmp_path / "log.parquet")._sink, ParquetFolder)


def test_the_settings_are_those_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\n " + KEY + b"\n")
    names = {"prediction_log_exclude": ("a", "b"), "prediction_log_hash": ("c",)}
    log = opened(tmp_path / "log.jsonl", prediction_log_share=0.5, prediction_log_key=tmp_path / "key", **names)

    assert log._share == 0.5
    assert log._policy == Policy(frozenset({"a", "b"}), frozenset({"c"}), KEY)


def refusal(tmp_path: Path, name: str = "log.jsonl", **given: Any) -> str:
    with pytest.raises(SettingError) as caught:
        opened(tmp_path / name, **given)
    return str(caught.value)


def test_a_key_that_cannot_be_used_is_named_and_not_repeated(tmp_path: Path) -> None:
    key = tmp_path / "key"
    hashed: dict[str, Any] = {"prediction_log_hash": ("age",)}
    assert "needs --prediction-log-key" in refusal(tmp_path, **hashed)
    assert refusal(tmp_path, **hashed, prediction_log_key=key) == f"{key} cannot be read: No such file or directory"
    key.write_bytes(b"fifteen bytes.." + b" " * 20)
    assert refusal(tmp_path, **hashed, prediction_log_key=key) == f"{key} holds no key: expected at least 16 bytes"


def test_a_column_cannot_be_left_out_and_hashed(tmp_path: Path) -> None:
    names: dict[str, Any] = {"prediction_log_exclude": ("age", "name"), "prediction_log_hash": ("name",)}

    assert refusal(tmp_path, **names).startswith('the column "name" is in --prediction-log-exclude and in')


def test_parquet_without_pyarrow_is_one_sentence_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else find(name))

    assert refusal(tmp_path, "log.parquet") == (
        "a prediction log in Parquet needs pyarrow, which is not installed: "
        "pip install 'copse[parquet]', or name a file that ends in .jsonl"
    )


@pytest.mark.parametrize("name", ["log.jsonl", "log.parquet"])
def test_a_path_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path / "nowhere", name).startswith(f"the prediction log {tmp_path / 'nowhere' / name} cannot be")
    (tmp_path / "log.jsonl").mkdir()
    (tmp_path / "log.parquet").touch()
    assert refusal(tmp_path, name).startswith(f"the prediction log {tmp_path / name} cannot be written: ")
