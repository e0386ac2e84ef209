"""copse-train: read data, fit an estimator, export it, prove the export, publish it."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from model_repository import Damaged, NotPublished, current_version, use
from train.builtin import BUILT_IN, built_in
from train.data import TrainingData
from train.errors import BadData, BadParameter
from train.estimators import parameters
from train.estimators.backend import count_cores
from train.job import already_published, run
from train.options import parser
from train.program import ended, model_name
from train.recipe import Recipe
from train.report import say
from train.tables import Choices, read_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Train once; return 0, else the error's exit code (see errors.py), or 130 on Ctrl-C."""
    chosen = parser().parse_args(arguments)
    return ended("copse-train", lambda: _train(chosen))


def _train(chosen: argparse.Namespace) -> int:
    count_cores()
    recipe = recipe_of(chosen)
    data = data_of(chosen)
    name = chosen.name or model_name(chosen.data)
    known = None if chosen.force else already_published(chosen.models, name, data, recipe)
    if known is not None:
        return _nothing_new(chosen.models, name, known, candidate=chosen.candidate)
    version = run(chosen.models, name, data, recipe, candidate=chosen.candidate)
    current = current_version(chosen.models, name) == version
    say(f"done     {name} version {version} is {'current' if current else 'the candidate'}")
    return 0


def recipe_of(chosen: argparse.Namespace) -> Recipe:
    """Return the recipe that the options give.

    Raises:
        BadParameter: they contradict each other.

    """
    given = parameters.parse(chosen.param)
    if chosen.trees is not None:
        given["n_estimators"] = chosen.trees
    if chosen.fitted and (given or chosen.search or chosen.scheduler):
        raise BadParameter("--fitted takes a model as it is; it goes with no --param, --trees, --search or --scheduler")
    if (chosen.backend == "dask") != (chosen.scheduler is not None):
        raise BadParameter("--backend dask and --scheduler ADDRESS go together")
    return Recipe(
        estimator=chosen.estimator,
        parameters=given,
        search=parameters.parse_choices(chosen.search),
        held_out=chosen.held_out,
        seed=chosen.seed,
        code=chosen.code,
        fitted=chosen.fitted,
        trust_joblib=chosen.trust_joblib,
        scheduler=chosen.scheduler,
    )


def data_of(chosen: argparse.Namespace) -> TrainingData:
    """Return the data that the options name.

    Raises:
        BadInput: it cannot be used.

    """
    path = Path(chosen.data)
    if chosen.data in BUILT_IN and not path.exists():
        data = built_in(chosen.data)
        kinds = " or ".join(data.class_names) if len(data.classes) <= 5 else f"{len(data.classes)} classes"
        shape = f"{len(data.rows):,} rows, {len(data.schema)} columns"
        say(f"data     {data.name}, {shape}, {kinds if data.classes else 'a number'}")
        return data
    if not path.exists():
        raise BadData(f"there is no {path}; --data takes a file, a folder of Parquet files, or {', '.join(BUILT_IN)}")
    if not chosen.target:
        raise BadParameter("--target must name the column of the data that is to be predicted")
    choices = Choices(
        target=chosen.target,
        task=chosen.task,
        numeric=tuple(chosen.numeric),
        categorical=tuple(chosen.categorical),
        drop=tuple(chosen.drop),
        test_data=chosen.test_data,
        group=chosen.group,
        time=chosen.time,
        held_out=chosen.held_out,
        seed=chosen.seed,
    )
    return read_table(path, choices)


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
