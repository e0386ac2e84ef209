"""Making and fitting: parameters arrive, seeds are set, and what cannot be fitted is one sentence."""

from pathlib import Path
from typing import Any

import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier

from tests.proofs import EXAMPLE, PARTS
from train.builtin import built_in
from train.data import Split
from train.errors import BadEstimator, BadInput, BadParameter
from train.fit import fit
from train.recipe import Recipe

DIABETES = built_in("diabetes")


def fitted(recipe: Recipe, parts: Split = PARTS, *, classifies: bool = True) -> tuple[Any, str]:
    return fit(recipe, EXAMPLE.schema, parts, classifies=classifies)


@pytest.mark.parametrize("forest", [RandomForestClassifier, ExtraTreesRegressor])
def test_a_forest_grown_some_trees_at_a_time_has_the_same_trees(forest: Any) -> None:
    name = "random-forest" if forest is RandomForestClassifier else "extra-trees"
    recipe = Recipe(name, {"n_estimators": 25})
    grown, _ = fitted(recipe, classifies=forest is RandomForestClassifier)
    at_once = forest(n_estimators=25, random_state=42).fit(PARTS.fit_rows, PARTS.fit_targets)

    assert [tree.tree_.threshold.tobytes() for tree in grown.estimators_] == [
        tree.tree_.threshold.tobytes() for tree in at_once.estimators_
    ]
    assert grown.get_params() == at_once.get_params()


def test_all_that_is_random_and_has_no_seed_gets_it(tmp_path: Path) -> None:
    (tmp_path / "seedless.py").write_text(
        "from sklearn.ensemble import BaggingClassifier as B, RandomForestClassifier as F\n"
        "def make(): return B(F(3, random_state=5), 2)"
    )
    model, _ = fitted(Recipe("seedless:make", code=tmp_path, seed=9))

    assert (model.random_state, model.estimator.random_state) == (9, 5)


def test_the_best_of_a_search_is_fitted_and_said() -> None:
    model, said = fitted(Recipe("logistic-regression", search={"C": [1e-6, 1.0]}))

    assert model[-1].C == 1.0
    assert said.startswith("best of 2: C 1.0 (accuracy 0.9")


@pytest.mark.parametrize(
    ("recipe", "error", "said"),
    [
        (
            Recipe("random-wood"),
            BadEstimator,
            "random-wood is no estimator for classification; there are random-forest",
        ),
        (Recipe("lasso"), BadEstimator, "lasso is no estimator for classification"),
        (Recipe(parameters={"trees": 5}), BadParameter, "RandomForestClassifier has no such parameter"),
        (Recipe(parameters={"n_estimators": "many"}), BadEstimator, "cannot be fitted: The 'n_estimators' parameter"),
        (Recipe(search={"trees": [5]}), BadParameter, "--search trees: "),
        (Recipe("decision-tree", search={"max_depth": [-5]}), BadEstimator, "a combination of --search cannot be"),
    ],
    ids=str,
)
def test_what_cannot_be_made_or_fitted_is_one_sentence(recipe: Recipe, error: type[BadInput], said: str) -> None:
    with pytest.raises(error, match=said) as refused:
        fitted(recipe)
    assert "\n" not in str(refused.value)


def test_an_estimator_for_the_other_task_is_refused(tmp_path: Path) -> None:
    (tmp_path / "regressing.py").write_text("from sklearn.linear_model import Ridge as make")

    with pytest.raises(BadEstimator, match="it is a regressor, and the target holds classes"):
        fitted(Recipe("regressing:make", code=tmp_path))


def test_an_estimator_that_stopped_early_says_so() -> None:
    _, said = fitted(Recipe("neural-network", {"max_iter": 2}))

    assert "before it converged" in said
