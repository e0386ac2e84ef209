"""The prediction log as the settings ask for it. Only where it is asked for is any of this package loaded."""

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path

from serve.model import LoadedModel
from serve.prediction_log.json_lines import LineFile, StandardOutput
from serve.prediction_log.log import PredictionLog, Sink
from serve.prediction_log.samples import Policy
from serve.setting_values import STANDARD_OUTPUT
from serve.settings import SettingError, Settings

SHORTEST_KEY = 16  # bytes


def open_log(path: Path, settings: Settings, served: Callable[[], Iterable[LoadedModel]]) -> PredictionLog:
    """Return the log; `served` returns the versions that serve.

    Raises:
        SettingError: a setting cannot be used, or the file or its folder cannot be written.

    """
    policy = _policy(settings)
    try:
        sink = _sink(path, settings.prediction_log_bytes)
    except OSError as error:
        raise SettingError(f"the prediction log {path} cannot be written: {error.strerror}") from None
    return PredictionLog(sink, settings.prediction_log_share, policy, served)


def _sink(path: Path, most_bytes: int) -> Sink:
    if str(path) == STANDARD_OUTPUT:
        return StandardOutput()
    if path.suffix != ".parquet":
        return LineFile(path, most_bytes)
    if importlib.util.find_spec("pyarrow") is None:
        raise SettingError(
            "a prediction log in Parquet needs pyarrow, which is not installed: "
            "pip install 'copse[parquet]', or name a file that ends in .jsonl"
        )
    from serve.prediction_log.parquet import ParquetFolder  # noqa: PLC0415 - it loads pyarrow

    return ParquetFolder(path, most_bytes)


def _policy(settings: Settings) -> Policy:
    excluded = frozenset(settings.prediction_log_exclude or ())
    hashed = frozenset(settings.prediction_log_hash or ())
    if both := sorted(excluded & hashed):
        raise SettingError(f'the column "{both[0]}" is in --prediction-log-exclude and in --prediction-log-hash')
    if not hashed:
        return Policy(excluded)
    if settings.prediction_log_key is None:
        raise SettingError(
            "--prediction-log-hash needs --prediction-log-key: without a key, whoever tries all values finds them"
        )
    return Policy(excluded, hashed, _key(settings.prediction_log_key))


def _key(path: Path) -> bytes:
    """Return the key in a file, without blanks and line ends around it."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}") from None
    if len(key) < SHORTEST_KEY:
        raise SettingError(f"{path} holds no key: expected at least {SHORTEST_KEY} bytes")
    return key
