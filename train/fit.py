"""Making and fitting the model that a recipe describes."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from train.data import Split, Targets
from train.errors import BadEstimator
from train.estimators import own, registry
from train.estimators.backend import fitting
from train.estimators.parameters import apply
from train.estimators.preparation import prepared
from train.estimators.reasons import reason
from train.estimators.search import search
from train.original import final_step, model_table
from train.recipe import Recipe
from train.report import progress
from train.schema import Rows, Schema

FORESTS = (RandomForestClassifier, ExtraTreesClassifier, RandomForestRegressor, ExtraTreesRegressor)
TREES_AT_A_TIME = 10


def fit(recipe: Recipe, schema: Schema, parts: Split, *, classifies: bool) -> tuple[Any, str]:
    """Return a model fitted on the rows that are not held out, and what is to be said of it, if anything.

    Raises:
        BadEstimator: it cannot be made or fitted.
        BadParameter: a parameter cannot be set.

    """
    model = unfitted(recipe, schema, parts.fit_rows, classifies=classifies)
    table = model_table(model, schema, parts.fit_rows, framed=own.is_own(recipe.estimator))
    targets = parts.fit_targets
    np.random.seed(recipe.seed)  # noqa: NPY002 - what takes no seed draws from here: TargetEncoder
    with fitting(recipe.scheduler, [table, targets]), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model, said = _fitted(recipe, model, table, targets)
    if any(issubclass(each.category, ConvergenceWarning) for each in caught):
        said += "; it stopped before it converged (--param max_iter=... lets it go on)"
    return model, said


def unfitted(recipe: Recipe, schema: Schema, rows: Rows, *, classifies: bool) -> Any:
    """Return the model to be fitted, with its parameters and seed."""
    if own.is_own(recipe.estimator):
        model = own.make(recipe.estimator, recipe.code)
        _check_task(model, recipe.estimator, classifies=classifies)
        apply(model, recipe.parameters, "--param")
        return _seeded(model, recipe.seed)
    kind = registry.KINDS.get(recipe.estimator)
    wanted = kind.of(classifies=classifies) if kind else None
    if not kind or not wanted:
        listed = ", ".join(registry.names(classifies=classifies))
        task = "classification" if classifies else "regression"
        raise BadEstimator(f"{recipe.estimator} is no estimator for {task}; there are {listed}, or module:function")
    estimator = _seeded(wanted(**kind.parameters), recipe.seed)
    apply(estimator, recipe.parameters, "--param")
    return prepared(estimator, kind, schema, rows)


def _fitted(recipe: Recipe, model: Any, table: Any, targets: Targets) -> tuple[Any, str]:
    if recipe.search:
        return search(model, _of_final_step(model, recipe.search), table, targets)
    try:
        if isinstance(final_step(model), FORESTS) and not (recipe.scheduler or own.is_own(recipe.estimator)):
            steps_before = model[:-1] if isinstance(model, Pipeline) else None
            _grow(final_step(model), steps_before.fit_transform(table, targets) if steps_before else table, targets)
        else:
            model.fit(table, targets)
    except Exception as error:  # noqa: BLE001 - a user's own steps raise whatever they like
        raise BadEstimator(f"{type(final_step(model)).__name__} cannot be fitted: {reason(error)}") from None
    return model, ""


def _grow(forest: Any, table: Any, targets: Targets) -> None:
    """Fit a forest some trees at a time, so that progress can be shown; the trees are the same as in one go."""
    if forest.oob_score or forest.warm_start or getattr(forest, "class_weight", None):
        forest.fit(table, targets)
        return
    trees = forest.n_estimators
    with progress(trees, "trees") as advance:
        forest.set_params(warm_start=True)
        for grown in _steps(trees):
            before = len(getattr(forest, "estimators_", []))
            forest.set_params(n_estimators=grown).fit(table, targets)
            advance(grown - before)
    forest.set_params(warm_start=False, n_estimators=trees)


def _steps(trees: Any) -> Iterator[int]:
    if not isinstance(trees, int) or trees < 1:
        yield trees  # scikit-learn says what is wrong with it
        return
    yield from range(TREES_AT_A_TIME, trees, TREES_AT_A_TIME)
    yield trees


def _of_final_step(model: Any, choices: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the choices under the names that they have in the model: those of a Pipeline's last step have a prefix."""
    known = model.get_params()
    prefix = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
    renamed = {name if name in known else prefix + name: values for name, values in choices.items()}
    apply(model, {name: values[0] for name, values in renamed.items()}, "--search")
    return renamed


def _seeded(model: Any, seed: int) -> Any:
    """Give the seed to all that is random in a model and has none."""
    unset = [name for name, value in model.get_params().items() if name.endswith("random_state") and value is None]
    return model.set_params(**dict.fromkeys(sorted(unset), seed))


def _check_task(model: Any, name: str, *, classifies: bool) -> None:
    if not (is_classifier(model) or is_regressor(model)):
        raise BadEstimator(f"--estimator {name}: {type(model).__name__} is neither a classifier nor a regressor")
    if is_classifier(model) != classifies:
        kind, task = ("classifier", "numbers") if is_classifier(model) else ("regressor", "classes")
        raise BadEstimator(f"--estimator {name}: it is a {kind}, and the target holds {task} (--task tells otherwise)")
