"""The options of copse-train."""

import argparse
from pathlib import Path

from train.builtin import BUILT_IN
from train.estimators.registry import KINDS
from train.recipe import Recipe

DEFAULTS = Recipe()
EXAMPLE = "breast-cancer"


def parser() -> argparse.ArgumentParser:
    """Return the parser of copse-train's options."""
    options = argparse.ArgumentParser(
        prog="copse-train",
        description="Fit an estimator, prove that its ONNX export answers as it does, and publish it.",
        epilog="Without --data: the Breast Cancer example. Estimators by name: " + ", ".join(KINDS) + ".",
    )
    options.add_argument("--models", type=Path, required=True, metavar="DIR", help="the model repository")
    options.add_argument("--name", metavar="NAME", help="the model's name in it (that of the data)")
    _add_data(options.add_argument_group("data"))
    _add_estimator(options.add_argument_group("estimator"))
    _add_publishing(options.add_argument_group("publishing"))
    return options


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data",
        metavar="DATA",
        help=f"a CSV or Parquet file, a folder of Parquet files, or one of {', '.join(BUILT_IN)} ({EXAMPLE})",
    )
    group.add_argument("--target", metavar="COLUMN", help="the column to predict")
    group.add_argument("--task", choices=["classification", "regression"], help="what the target is (it shows)")
    for name, what in (
        ("numeric", "holds numbers, else the data is refused"),
        ("categorical", "holds texts, even where they look like numbers"),
        ("drop", "is left out"),
    ):
        group.add_argument(f"--{name}", action="append", default=[], metavar="COLUMN", help=f"a column that {what}")
    group.add_argument("--test-data", type=Path, metavar="FILE", help="a file of rows to score on")
    group.add_argument("--group", metavar="COLUMN", help="hold out whole groups of rows that agree in this column")
    group.add_argument("--time", metavar="COLUMN", help="hold out the rows that are newest by this column")
    group.add_argument(
        "--held-out",
        type=_share,
        metavar="SHARE",
        help=f"the share of rows to hold out and score on ({DEFAULTS.held_out})",
    )


def _add_estimator(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--estimator",
        metavar="NAME",
        help=f"an estimator by name, or module:function that returns one ({DEFAULTS.estimator})",
    )
    group.add_argument("--code", type=Path, metavar="DIR", help="where the module is (here)")
    group.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the estimator"
    )
    group.add_argument("--trees", type=_trees, metavar="N", help="the same as --param n_estimators=N")
    group.add_argument(
        "--search",
        action="append",
        default=[],
        metavar="NAME=V1,V2",
        help="a parameter with the values to choose the best from",
    )
    group.add_argument(
        "--fitted", type=Path, metavar="FILE", help="a model that is fitted already, as .skops or .joblib"
    )
    group.add_argument(
        "--trust-joblib",
        action="store_true",
        help="load a .joblib file: that runs whatever code its maker put into it",
    )
    group.add_argument("--backend", choices=["local", "dask"], default="local", help="where it is fitted (local)")
    group.add_argument("--scheduler", metavar="ADDRESS", help="the Dask scheduler, such as tcp://scheduler:8786")
    group.add_argument(
        "--seed",
        type=_seed,
        default=DEFAULTS.seed,
        metavar="N",
        help=f"seed of everything random ({DEFAULTS.seed})",
    )


def _add_publishing(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--candidate", action="store_true", help="publish it to be compared with the current version, not to take over"
    )
    group.add_argument("--force", action="store_true", help="publish even if the same inputs are published already")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError("must be a number between 0 and 1")
    return share


def _trees(text: str) -> int:
    return _whole_number(text, 1, 100_000)


def _seed(text: str) -> int:
    return _whole_number(text, 0, 2**32 - 1)


def _whole_number(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}")
    return int(text)
