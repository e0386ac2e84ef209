"""copse-train: fit the example, export it, prove the export, publish it."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from model_repository import Damaged, NotPublished, RepositoryError, current_version, use
from train.data import breast_cancer
from train.errors import TrainingError
from train.job import Recipe, already_published, run
from train.report import say

DEFAULTS = Recipe()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train once; return 0, 1 where data or disk refused, 3 where the export was refused, 130 on Ctrl-C."""
    chosen = _parser().parse_args(arguments)
    try:
        return _train(chosen)
    except TrainingError as error:
        print(f"copse-train: {error}", file=sys.stderr)
        return error.exit_code
    except RepositoryError as error:
        print(f"copse-train: {error}", file=sys.stderr)
        return TrainingError.exit_code
    except OSError as error:
        print(f"copse-train: cannot use {error.filename or 'the repository'}: {error.strerror}", file=sys.stderr)
        return TrainingError.exit_code
    except KeyboardInterrupt:
        print("copse-train: stopped; nothing was published", file=sys.stderr)
        return 130


def _train(chosen: argparse.Namespace) -> int:
    data, recipe = breast_cancer(), Recipe(chosen.trees, chosen.seed)
    say(f"data     {data.name}, {len(data.rows)} rows, {len(data.columns)} columns, {' or '.join(data.class_names)}")
    known = None if chosen.force else already_published(chosen.models, chosen.name, data, recipe)
    if known is not None:
        return _nothing_new(chosen.models, chosen.name, known, candidate=chosen.candidate)
    version = run(chosen.models, chosen.name, data, recipe, candidate=chosen.candidate)
    current = current_version(chosen.models, chosen.name) == version
    say(f"done     {chosen.name} version {version} is {'current' if current else 'the candidate'}")
    return 0


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="copse-train",
        description="Train the Breast Cancer forest, prove that its ONNX export answers as it does, and publish it.",
    )
    parser.add_argument("--models", type=Path, required=True, metavar="DIR", help="the model repository")
    parser.add_argument("--name", default="breast-cancer", help="the model's name in it (breast-cancer)")
    parser.add_argument(
        "--trees", type=_trees, default=DEFAULTS.trees, metavar="N", help=f"trees in the forest ({DEFAULTS.trees})"
    )
    parser.add_argument(
        "--seed", type=_seed, default=DEFAULTS.seed, metavar="N", help=f"seed of everything random ({DEFAULTS.seed})"
    )
    parser.add_argument(
        "--candidate", action="store_true", help="publish it to be compared with the current version, not to take over"
    )
    parser.add_argument("--force", action="store_true", help="publish even if the same inputs are published already")
    return parser


def _trees(text: str) -> int:
    return _whole_number(text, 1, 100_000)


def _seed(text: str) -> int:
    return _whole_number(text, 0, 2**32 - 1)


def _whole_number(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}")
    return int(text)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a container's process 1 would ignore it
    sys.exit(main())
