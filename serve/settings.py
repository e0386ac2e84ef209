"""All settings of the server, each from a flag, else from a COPSE_* variable, else its default."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from model_repository import LARGEST_MODEL
from serve.setting_values import log_path, names, one_of, path_of, seconds, share, whole_number, word

PREFIX = "COPSE_"
LOG_LEVELS = ("debug", "info", "warning", "error")


def setting(parse: Any, text: str, default: Any = MISSING) -> Any:
    """Declare a setting: how its text is read, what it is for, and its default (none: it must be given)."""
    return field(default=default, metadata={"parse": parse, "help": text})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The server's settings, read once at start."""

    models: Path = setting(path_of("folder"), "the model repository, a folder")
    model: str | None = setting(word, "the model that / and /predict mean, where the repository has several", None)
    host: str = setting(word, "address to listen on", "127.0.0.1")
    port: int = setting(whole_number(0, 65535), "port to listen on; 0 takes a free one", 8000)
    grpc_port: int | None = setting(
        whole_number(0, 65535), "port for the Open Inference Protocol over gRPC; 0 takes a free one, none is off", None
    )
    model_control: Literal["on", "off"] = setting(
        one_of("on", "off"), "whether clients may load and unload models: on or off", "off"
    )
    poll_seconds: float = setting(seconds(0.05, 3600), "how often to look for a new version", 2.0)
    max_body_bytes: int = setting(whole_number(1, 2**31), "largest request body, in bytes", 16 * 2**20)
    body_seconds: float = setting(seconds(0.1, 3600), "how long a request's body may take to come", 30.0)
    max_connections: int = setting(
        whole_number(1, 10**6), "most connections at a time; the longest idle one makes room for a new one", 4096
    )
    max_head_bytes: int = setting(whole_number(256, 2**24), "largest request line and headers, in bytes", 32 * 2**10)
    head_seconds: float = setting(seconds(0.1, 3600), "how long a request's line and headers may take to come", 10.0)
    answer_seconds: float = setting(seconds(0.1, 3600), "how long a client may take to take in its answer", 30.0)
    rows_under_way: int = setting(whole_number(1, 10**8), "most rows that threads work on at the same time", 20_000)
    waiting_requests: int = setting(whole_number(1, 10**6), "most requests that wait for their turn", 256)
    wait_seconds: float = setting(
        seconds(0.001, 3600),
        "how long a request may wait for its turn; less in overload",
        0.5,
    )
    held_bytes: int = setting(
        whole_number(1, 2**40), "most bytes of request bodies in memory at the same time", 64 * 2**20
    )
    idle_seconds: int = setting(
        whole_number(1, 3600), "how long a connection may be idle; longer than a proxy before the server keeps one", 75
    )
    max_rows: int = setting(whole_number(1, 10**7), "most rows in one request", 10_000)
    max_model_bytes: int = setting(whole_number(1, 2**31), "largest ONNX file that is loaded, in bytes", LARGEST_MODEL)
    trial_seconds: int = setting(
        whole_number(1, 3600), "CPU seconds that a new version may take to load and answer its golden rows", 10
    )
    inline_bytes: int = setting(
        whole_number(0, 2**31), "largest body answered on the event loop; a larger one goes to a thread", 64 * 2**10
    )
    threads: int | None = setting(
        whole_number(1, 1024), "large requests answered at the same time; as many as the container has CPUs", None
    )
    drain_seconds: float = setting(
        seconds(0, 3600), "after SIGTERM, how long to go on answering, not ready, before listening ends", 0.0
    )
    shutdown_seconds: int = setting(whole_number(0, 3600), "how long requests under way may take to finish", 20)
    tokens_file: Path | None = setting(path_of("file"), "bearer tokens, one a line; read again when it changes", None)
    tls_certificate: Path | None = setting(
        path_of("file"), "certificate chain for TLS, PEM; read again when it changes", None
    )
    tls_key: Path | None = setting(path_of("file"), "the certificate's private key, PEM", None)
    shadow_share: float = setting(share, "share of the requests that a candidate version answers on the side", 0.1)
    watch_seconds: float = setting(
        seconds(0, 86400), "how long a new version is watched, to go back if its errors jump; 0 does not", 0.0
    )
    drift: Literal["on", "off"] = setting(
        one_of("on", "off"), "whether the last rows are compared with the training's: on or off", "on"
    )
    prediction_log: Path | None = setting(
        log_path, "where to write requests with their answers: a .jsonl or .parquet path, - for standard output", None
    )
    prediction_log_share: float = setting(share, "share of the requests that the prediction log has", 0.01)
    prediction_log_bytes: int = setting(
        whole_number(2**22, 2**50), "most bytes of all files of the prediction log; older ones are deleted", 2**27
    )
    prediction_log_exclude: tuple[str, ...] | None = setting(
        names, "columns whose values are not written to the prediction log", None
    )
    prediction_log_hash: tuple[str, ...] | None = setting(
        names, "columns of which the prediction log has a keyed hash in place of the value", None
    )
    prediction_log_key: Path | None = setting(path_of("file"), "the key of these hashes, at least 16 bytes", None)
    log_level: str = setting(one_of(*LOG_LEVELS), "least severe log lines to write", "info")
    log_level_file: Path | None = setting(
        path_of("file"), "holds the log level, which then wins over the one above; read again when it changes", None
    )
    log_format: Literal["auto", "json", "text"] = setting(
        one_of("auto", "json", "text"), "form of log lines: json, text, or auto: text on a terminal, else json", "auto"
    )


class SettingError(Exception):
    """A setting that cannot be used; its text names it and what was expected."""


def flag(entry: "Field[Any]") -> str:
    """Return a setting's flag: --max-rows."""
    return "--" + entry.name.replace("_", "-")


def variable(entry: "Field[Any]") -> str:
    """Return a setting's environment variable: COPSE_MAX_ROWS."""
    return PREFIX + entry.name.upper()


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read the settings; argparse ends the program for --help or an unknown flag.

    Raises:
        SettingError: a value cannot be used, one that is needed is not given, or a COPSE_* variable is unknown.

    """
    given = vars(_parser().parse_args(arguments))
    known = {variable(entry): entry for entry in fields(Settings)}
    for name in environment:
        if name.startswith(PREFIX) and name not in known:
            raise SettingError(
                f"{name} is no setting; see copse-serve --help (in Kubernetes: enableServiceLinks: false)"
            )
    values = {}
    for name, entry in known.items():
        if given[entry.name] is not None:
            values[entry.name] = _parse(entry, flag(entry), given[entry.name])
        elif name in environment:
            values[entry.name] = _parse(entry, name, environment[name])
        elif entry.default is MISSING:
            raise SettingError(f"{flag(entry)} or {name} must be given: {entry.metadata['help']}")
    return Settings(**values)


def _parse(entry: "Field[Any]", source: str, text: str) -> Any:
    try:
        return entry.metadata["parse"](text)
    except ValueError as error:
        raise SettingError(f"{source} must be {error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="copse-serve",
        description="Serve a published model over HTTP. Every flag is also a variable.",
        allow_abbrev=False,
    )
    for entry in fields(Settings):
        default = "needed" if entry.default is MISSING else entry.default
        suffix = f" [{variable(entry)}" + (f", {default}]" if default is not None else "]")
        parser.add_argument(
            flag(entry), metavar=entry.name.rpartition("_")[2].upper(), help=entry.metadata["help"] + suffix
        )
    return parser
