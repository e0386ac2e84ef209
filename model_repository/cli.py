"""copse-models: look at a model repository, roll back, verify, prune."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from model_repository.errors import Damaged, NotPublished, RepositoryError
from model_repository.layout import candidate_version, current_version, models, versions
from model_repository.pointers import propose, use, withdraw
from model_repository.prune import prune
from model_repository.read import read_manifest, read_version
from model_repository.table import table

_REFUSED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 with one sentence on standard error."""
    chosen = _parser().parse_args(arguments)
    try:
        status = int(chosen.run(chosen))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads, `head` say, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _REFUSED
    except (RepositoryError, OSError) as error:
        print(f"copse-models: {_sentence(error)}", file=sys.stderr)
        return _REFUSED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="copse-models", description="Look at and change a model repository.")
    parser.add_argument("--models", type=Path, required=True, metavar="DIR", help="the model repository")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(
        commands, "list", _list, "every version with its metrics; * marks the current one, ? the candidate", "[MODEL]"
    )
    _command(commands, "show", _show, "the manifest of a version, by default the current one", "MODEL [VERSION]")
    _command(commands, "use", _use, "make a version current: roll back, or forward again", "MODEL VERSION", json=False)
    trying = _command(
        commands, "candidate", _candidate, "have a version compared with the current one", "MODEL [VERSION]", json=False
    )
    trying.add_argument("--none", action="store_true", help="have no candidate any more")
    _command(commands, "verify", _verify, "read every version whole and compare with its manifest", "[MODEL]")
    pruning = _command(commands, "prune", _prune, "remove old versions, never the current or the newest", "MODEL")
    pruning.add_argument("--keep", type=_positive, default=3, metavar="N", help="newest versions to keep (3)")
    return parser


def _command(
    commands: Any, name: str, run: Any, text: str, takes: str, *, json: bool = True
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    parser.set_defaults(run=run)
    for word in takes.split():
        field = word.strip("[]").lower()
        parser.add_argument(field, nargs="?" if "[" in word else None, type=_positive if field == "version" else str)
    if json:
        parser.add_argument("--json", action="store_true", help="JSON for scripts instead of text")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError("must be a whole number of at least 1")
    return int(text)


def _list(chosen: argparse.Namespace) -> int:
    rows = [_summary(chosen.models, model, version) for model, version in _every_version(chosen)]
    metrics = sorted({name for row in rows for name in row["metrics"]})
    head = ["", "model", "version", "estimator", *metrics, "created", "problem"]
    cells = [
        [
            "*" if row["current"] else "?" if row["candidate"] else "",
            *(row[key] for key in ("model", "version", "estimator")),
            *(row["metrics"].get(name) for name in metrics),
            *(row[key] for key in ("created", "problem")),
        ]
        for row in rows
    ]
    return _print(chosen, rows, table(head, cells) if rows else "nothing is published yet")


def _summary(root: Path, model: str, version: int) -> dict[str, Any]:
    """Describe a version in a few fields; what cannot be read says why instead."""
    fields: dict[str, Any] = {
        "model": model,
        "version": version,
        "current": version == _known(current_version, root, model),
    }
    fields["candidate"] = version == _known(candidate_version, root, model)
    try:
        manifest = read_manifest(root, model, version)
    except (RepositoryError, OSError) as error:
        return fields | {"estimator": None, "metrics": {}, "created": None, "problem": _sentence(error)}
    described = {"estimator": manifest.estimator, "metrics": manifest.metrics, "created": manifest.provenance.created}
    return fields | described | {"problem": None}


def _show(chosen: argparse.Namespace) -> int:
    version = current_version(chosen.models, chosen.model) if chosen.version is None else chosen.version
    manifest = read_manifest(chosen.models, chosen.model, version)
    facts = [
        ["model", f"{manifest.name} version {version}"],
        ["estimator", manifest.estimator],
        ["created", manifest.provenance.created],
        ["data set", f"{manifest.dataset.name}, {manifest.dataset.rows} rows, {manifest.dataset.held_out} held out"],
        ["columns", str(len(manifest.columns))],
        ["classes", ", ".join(manifest.target.names) or f"none, {manifest.target.name} is a number"],
        *([name, f"{value:.3f}"] for name, value in manifest.metrics.items()),
        ["parity", f"{sum(rows.rows for rows in manifest.parity.row_sets):,} rows compared"],
        ["file", f"{manifest.onnx.size:,} bytes, SHA-256 {manifest.onnx.sha256}"],
    ]
    return _print(chosen, {"version": version, **msgspec.to_builtins(manifest)}, table(["", ""], facts).lstrip("\n"))


def _use(chosen: argparse.Namespace) -> int:
    use(chosen.models, chosen.model, chosen.version)
    print(f"{chosen.model}: version {chosen.version} is current")
    return 0


def _candidate(chosen: argparse.Namespace) -> int:
    if chosen.none == (chosen.version is not None):
        raise NotPublished("name a version, or --none")
    if chosen.none:
        version = withdraw(chosen.models, chosen.model)
        print(
            f"{chosen.model}: version {version} is no candidate any more"
            if version
            else f"{chosen.model}: no candidate"
        )
    else:
        propose(chosen.models, chosen.model, chosen.version)
        print(f"{chosen.model}: version {chosen.version} is the candidate; copse-models use makes it current")
    return 0


def _verify(chosen: argparse.Namespace) -> int:
    rows = [
        {"model": model, "version": version, "problem": _problem(chosen.models, model, version)}
        for model, version in _every_version(chosen)
    ]
    for model in _chosen_models(chosen):
        problem = _problem_of_current(chosen.models, model)
        if problem:
            rows.append({"model": model, "version": None, "problem": problem})
    cells = [[row["model"], row["version"], row["problem"] or "as published"] for row in rows]
    _print(chosen, rows, table(["model", "version", "verdict"], cells) if rows else "nothing is published yet")
    return _REFUSED if any(row["problem"] for row in rows) else 0


def _problem(root: Path, model: str, version: int) -> str | None:
    try:
        read_version(root, model, version)
    except (RepositoryError, OSError) as error:
        return _sentence(error)
    return None


def _problem_of_current(root: Path, model: str) -> str | None:
    known = versions(root, model)
    try:
        current = current_version(root, model)
    except NotPublished:
        return "no version is current" if known else None
    except Damaged as error:
        return str(error)
    return None if current in known else f"CURRENT names version {current}, which is not published"


def _prune(chosen: argparse.Namespace) -> int:
    removed = prune(chosen.models, chosen.model, chosen.keep)
    text = f"{chosen.model}: removed {', '.join(map(str, removed)) or 'nothing'}"
    return _print(chosen, {"model": chosen.model, "removed": removed}, text)


def _chosen_models(chosen: argparse.Namespace) -> list[str]:
    known = models(chosen.models)
    if chosen.model is None:
        return known
    if chosen.model not in known:
        raise NotPublished(f"the repository has no such model; it has {', '.join(known) or 'none'}")
    return [chosen.model]


def _every_version(chosen: argparse.Namespace) -> list[tuple[str, int]]:
    return [(model, version) for model in _chosen_models(chosen) for version in versions(chosen.models, model)]


def _known(pointed_at: Callable[[Path, str], int | None], root: Path, model: str) -> int | None:
    try:
        return pointed_at(root, model)
    except RepositoryError:
        return None


def _print(chosen: argparse.Namespace, value: Any, text: str) -> int:
    print(msgspec.json.format(msgspec.json.encode(value)).decode() if chosen.json else text)
    return 0


def _sentence(error: RepositoryError | OSError) -> str:
    if isinstance(error, OSError):
        return f"cannot use {error.filename or 'the repository'}: {error.strerror or type(error).__name__}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
