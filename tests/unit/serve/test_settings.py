"""Settings: from flags, then variables, then defaults, and nothing unknown or impossible."""

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from serve.settings import SettingError, Settings, flag, read_settings, variable

FIELDS = {entry.name: entry for entry in fields(Settings)}
GOOD = {
    "models": "/m",
    "model": "churn",
    "host": "0.0.0.0",
    "port": "80",
    "grpc_port": "0",
    "model_control": "on",
    "poll_seconds": "0.5",
    "max_body_bytes": "10",
    "body_seconds": "1.5",
    "idle_seconds": "9",
    "max_rows": "3",
    "max_model_bytes": "99",
    "trial_seconds": "3",
    "inline_bytes": "0",
    "threads": "4",
    "drain_seconds": "2.5",
    "shutdown_seconds": "7",
    "max_connections": "7",
    "max_head_bytes": "300",
    "head_seconds": "2.5",
    "answer_seconds": "3.5",
    "rows_under_way": "8",
    "waiting_requests": "9",
    "wait_seconds": "0.25",
    "held_bytes": "77",
    "tokens_file": "/t",
    "tls_certificate": "/c",
    "tls_key": "/k",
    "shadow_share": "0.5",
    "watch_seconds": "6.5",
    "drift": "off",
    "prediction_log": "/p.jsonl",
    "prediction_log_share": "0.75",
    "prediction_log_bytes": "4194304",
    "prediction_log_exclude": "name, date of birth",
    "prediction_log_hash": '["city, country"]',
    "prediction_log_key": "/k",
    "log_level": "debug",
    "log_level_file": "/l",
    "log_format": "json",
}
READ = {  # what is not shown as it is written
    "prediction_log_exclude": "('name', 'date of birth')",
    "prediction_log_hash": "('city, country',)",
}
BAD = {
    "models": "",
    "model": "",
    "host": "",
    "port": "65536",
    "grpc_port": "off",
    "model_control": "yes",
    "poll_seconds": "nan",
    "max_body_bytes": "-1",
    "body_seconds": "0",
    "idle_seconds": "-1",
    "max_rows": "1e3",
    "max_model_bytes": "0",
    "trial_seconds": "0",
    "inline_bytes": "many",
    "threads": "0",
    "drain_seconds": "inf",
    "shutdown_seconds": "1.5",
    "max_connections": "0",
    "max_head_bytes": "0",
    "head_seconds": "0",
    "answer_seconds": "nan",
    "rows_under_way": "0",
    "waiting_requests": "-3",
    "wait_seconds": "0",
    "held_bytes": "0",
    "tokens_file": "",
    "tls_certificate": "",
    "tls_key": "",
    "shadow_share": "1.5",
    "watch_seconds": "-1",
    "drift": "yes",
    "prediction_log": "log.txt",
    "prediction_log_share": "2",
    "prediction_log_bytes": "9",
    "prediction_log_exclude": "",
    "prediction_log_hash": "[1]",
    "prediction_log_key": "",
    "log_level": "loud",
    "log_level_file": "",
    "log_format": "xml",
}


def test_the_defaults_are_those_of_a_laptop() -> None:
    settings = read_settings(["--models", "m"], {})

    assert (settings.models, settings.host, settings.port) == (Path("m"), "127.0.0.1", 8000)


@pytest.mark.parametrize("name", FIELDS)
def test_a_flag_goes_before_its_variable(name: str) -> None:
    by_variable = read_settings([], {"COPSE_MODELS": "/m", variable(FIELDS[name]): GOOD[name]})
    by_flag = read_settings([flag(FIELDS[name]), GOOD[name]], {"COPSE_MODELS": "/m", variable(FIELDS[name]): BAD[name]})

    assert getattr(by_variable, name) == getattr(by_flag, name)
    assert str(getattr(by_flag, name)) == READ.get(name, GOOD[name])
    assert getattr(by_flag, name) != FIELDS[name].default


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_that_cannot_be_used_is_named_and_not_repeated(name: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_settings([], {"COPSE_MODELS": "/m", variable(FIELDS[name]): BAD[name]})

    one_of_several = ("drift", "log_format", "log_level", "model_control")
    assert str(caught.value).startswith(f"{variable(FIELDS[name])} must be a") or name in one_of_several
    assert not BAD[name] or BAD[name] not in str(caught.value).split()


@pytest.mark.parametrize("path", ["-", "predictions.jsonl", "/logs/predictions.parquet"])
def test_a_prediction_log_is_a_path_whose_ending_is_a_format_or_standard_output(path: str) -> None:
    assert read_settings(["--models", "m", "--prediction-log", path], {}).prediction_log == Path(path)


@pytest.mark.parametrize("path", ["log", ".jsonl", "/logs/.parquet", "log.csv", "log.jsonl.gz", "log.jsonl\n"])
def test_a_prediction_log_of_another_format_is_refused(path: str) -> None:
    with pytest.raises(SettingError, match=r"ends in \.jsonl or \.parquet, or - for standard output"):
        read_settings(["--models", "m", "--prediction-log", path], {})


@pytest.mark.parametrize("text", ["", ",", "a,,b", "[", "[]", '[""]', '["a", null]'])
def test_what_is_no_list_of_names_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="must be a list of names"):
        read_settings(["--models", "m", "--prediction-log-hash", text], {})


def test_variables_of_others_are_left_alone() -> None:
    assert read_settings(["--models", "m"], {"HOME": "/", "PORT": "x"}).port == 8000


def test_only_the_model_repository_must_be_given() -> None:
    assert [name for name, entry in FIELDS.items() if entry.default is MISSING] == ["models"]
    with pytest.raises(SettingError, match="COPSE_MODELS must be given"):
        read_settings([], {})
