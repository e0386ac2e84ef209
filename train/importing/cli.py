"""copse-import: publish an ONNX model that was made elsewhere."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from model_repository import current_version
from train.importing.job import Order, run
from train.program import ended, model_name
from train.report import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Import once; return 0, else the error's exit code (see errors.py), or 130 on Ctrl-C."""
    chosen = parser().parse_args(arguments)
    return ended("copse-import", lambda: _import(chosen))


def parser() -> argparse.ArgumentParser:
    """Return the parser of copse-import's options."""
    options = argparse.ArgumentParser(
        prog="copse-import", description="Publish an ONNX model that was made elsewhere, after checking its graph."
    )
    options.add_argument("model", type=Path, metavar="MODEL.onnx", help="the model")
    options.add_argument(
        "--sample", type=Path, required=True, metavar="FILE", help="rows as the model takes them: CSV or Parquet"
    )
    options.add_argument("--models", type=Path, required=True, metavar="DIR", help="the model repository")
    options.add_argument("--name", metavar="NAME", help="the model's name in it (that of the file)")
    options.add_argument(
        "--target", metavar="COLUMN", help="the sample's column with what should be answered, to score the model on"
    )
    options.add_argument(
        "--class-names",
        type=_names,
        default=(),
        metavar="A,B,...",
        help="what people call the classes, in the model's order (the classes themselves)",
    )
    options.add_argument(
        "--candidate", action="store_true", help="publish it to be compared with the current version, not to take over"
    )
    return options


def _import(chosen: argparse.Namespace) -> int:
    name = chosen.name or model_name(str(chosen.model))
    order = Order(chosen.model, chosen.sample, name, chosen.target, chosen.class_names)
    version = run(chosen.models, order, candidate=chosen.candidate)
    current = current_version(chosen.models, name) == version
    say(f"done     {name} version {version} is {'current' if current else 'the candidate'}")
    return 0


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) != len(names):
        raise argparse.ArgumentTypeError("must be different names with commas between them")
    return names


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a container's process 1 would ignore it
    sys.exit(main())
