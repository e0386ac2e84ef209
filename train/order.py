"""What the options of copse-train ask for: the data and the recipe. Options that contradict each other are refused."""

import argparse
from pathlib import Path

from train.builtin import BUILT_IN, built_in
from train.data import TrainingData
from train.errors import BadData, BadEstimator, BadParameter
from train.estimators import own, parameters
from train.estimators.fitted import check_there
from train.estimators.registry import KINDS
from train.options import DEFAULTS, EXAMPLE
from train.recipe import Recipe
from train.report import say
from train.tables import Choices, read_table


def recipe_of(chosen: argparse.Namespace) -> Recipe:
    """Return the recipe that the options give.

    Raises:
        BadInput: an option cannot be used, or two contradict each other.

    """
    estimator = chosen.estimator or DEFAULTS.estimator
    _check_estimator(chosen, estimator)
    given, search = parameters.parse(chosen.param), parameters.parse_choices(chosen.search)
    if chosen.trees is not None and "n_estimators" in given:
        raise BadParameter("--trees is short for --param n_estimators; give one of them")
    if chosen.trees is not None:
        given["n_estimators"] = chosen.trees
    both = sorted(given.keys() & search.keys())
    if both:
        raise BadParameter(f"{both[0]} has a value by --param and values to choose from by --search; give one of them")
    return Recipe(
        estimator=estimator,
        parameters=given,
        search=search,
        held_out=chosen.held_out or DEFAULTS.held_out,
        seed=chosen.seed,
        code=chosen.code or DEFAULTS.code,
        fitted=chosen.fitted,
        trust_joblib=chosen.trust_joblib,
        scheduler=chosen.scheduler,
    )


def data_of(chosen: argparse.Namespace) -> TrainingData:
    """Return the data that the options name.

    Raises:
        BadInput: it cannot be used, or an option does not go with it.

    """
    data = chosen.data or EXAMPLE
    path = Path(data)
    if data in BUILT_IN and not path.exists():
        _check_built_in(chosen, data)
        return _built_in(data)
    if not path.exists():
        raise BadData(f"there is no {path}; --data takes a file, a folder of Parquet files, or {', '.join(BUILT_IN)}")
    if not chosen.target:
        raise BadParameter("--target must name the column of the data that is to be predicted")
    if chosen.held_out is not None and chosen.test_data:
        raise BadParameter("--test-data is what is held out; it goes with no --held-out")
    choices = Choices(
        target=chosen.target,
        task=chosen.task,
        numeric=tuple(chosen.numeric),
        categorical=tuple(chosen.categorical),
        drop=tuple(chosen.drop),
        test_data=chosen.test_data,
        group=chosen.group,
        time=chosen.time,
        held_out=chosen.held_out or DEFAULTS.held_out,
        seed=chosen.seed,
    )
    return read_table(path, choices)


def _check_estimator(chosen: argparse.Namespace, estimator: str) -> None:
    """Refuse what would be ignored."""
    if chosen.fitted and (chosen.estimator or chosen.param or chosen.trees or chosen.search or chosen.scheduler):
        raise BadParameter(
            "--fitted takes a model as it is; it goes with no --estimator, --param, --trees, --search or --scheduler"
        )
    if chosen.fitted:
        check_there(chosen.fitted)
    if chosen.trust_joblib and not chosen.fitted:
        raise BadParameter("--trust-joblib is about the file of --fitted, which is not given")
    if chosen.code and not own.is_own(estimator):
        raise BadParameter("--code is where the module of --estimator module:function is; that is not given")
    if (chosen.backend == "dask") != (chosen.scheduler is not None):
        raise BadParameter("--backend dask and --scheduler ADDRESS go together")
    if estimator not in KINDS and not own.is_own(estimator):
        raise BadEstimator(f"{estimator} is no estimator's name; there are {', '.join(KINDS)}, or module:function")


def _check_built_in(chosen: argparse.Namespace, name: str) -> None:
    given = ("target", "task", "numeric", "categorical", "drop", "test_data", "group", "time")
    option = next((f"--{each.replace('_', '-')}" for each in given if getattr(chosen, each)), None)
    if option:
        with_data = f"--data {name} is built in; it takes no {option}"
        raise BadParameter(with_data if chosen.data else f"{option} goes with --data, which is not given")


def _built_in(name: str) -> TrainingData:
    data = built_in(name)
    kinds = " or ".join(data.class_names) if len(data.classes) <= 5 else f"{len(data.classes)} classes"
    shape = f"{len(data.rows):,} rows, {len(data.schema)} columns"
    say(f"data     {data.name}, {shape}, {kinds if data.classes else 'numbers to predict'}")
    return data
