"""copse-train: read data, fit an estimator, export it, prove the export, publish it."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from model_repository import Damaged, NotPublished, current_version, use, versions
from train.errors import TrainingError
from train.estimators.backend import count_cores
from train.job import already_published, run
from train.options import EXAMPLE, parser
from train.order import data_of, recipe_of
from train.program import ended, model_name
from train.report import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Train once; return 0, else the error's exit code (see errors.py), or 130 on Ctrl-C."""
    chosen = parser().parse_args(arguments)
    return ended("copse-train", lambda: _train(chosen))


def _train(chosen: argparse.Namespace) -> int:
    count_cores()
    recipe = recipe_of(chosen)
    name = chosen.name or model_name(chosen.data or EXAMPLE)
    _check_repository(chosen.models, name)
    data = data_of(chosen)
    known = None if chosen.force else already_published(chosen.models, name, data, recipe)
    if known is not None:
        return _nothing_new(chosen.models, name, known, candidate=chosen.candidate)
    version = run(chosen.models, name, data, recipe, candidate=chosen.candidate)
    current = current_version(chosen.models, name) == version
    say(f"done     {name} version {version} is {'current' if current else 'the candidate'}")
    return 0


def _check_repository(root: Path, name: str) -> None:
    """Tell of a name or a folder that cannot be used before the data is read."""
    versions(root, name)
    there = next(folder for folder in [root, *root.absolute().parents] if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise TrainingError(f"nothing can be written in {there}; --models names the folder to publish in")


def _nothing_new(root: Path, name: str, known: int, *, candidate: bool) -> int:
    say(f"publish  nothing new: version {known} of {name} has the same inputs (--force trains anyway)")
    try:
        if current_version(root, name) != known:
            say(f"         another version is current; copse-models use {name} {known} brings this one back")
            if candidate:  # not done here: a person may have withdrawn it
                say(f"         copse-models candidate {name} {known} has it compared with the current one")
    except (NotPublished, Damaged):  # its publisher was ended before it could say so
        use(root, name, known)
        say(f"done     {name} version {known} is current; none was")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a container's process 1 would ignore it
    sys.exit(main())
