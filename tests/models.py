"""Estimators and pipelines against scikit-learn on adversarial rows: the table of docs/models.md, measured.

`make models` runs all of it and renews the table; the tests run each case and hold the table to it.
"""

import re
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from tests.proofs import SEED, examined
from train.builtin import built_in
from train.converters import FOREST_CLASSIFIERS, FOREST_REGRESSORS
from train.data import Split, TrainingData, split
from train.errors import TrainingError
from train.estimators.registry import KINDS
from train.fit import unfitted
from train.original import Original, final_step, model_table
from train.proof.bounds import bound_of
from train.recipe import Recipe
from train.schema import Field, Schema

DOCUMENT = Path(__file__).parents[1] / "docs" / "models.md"
BEGIN, END = "<!-- make models writes what follows -->\n\n", "\n\n<!-- up to here -->"
HEAD = ["model", "task", "numbers", "missing numbers", "texts", "what stops it"]
LONGEST_REASON = 150
SMALL = {
    "random-forest": {"n_estimators": 30},
    "extra-trees": {"n_estimators": 30},
    "gradient-boosting": {"n_estimators": 20},
    "hist-gradient-boosting": {"max_iter": 20},
    "ada-boost": {"n_estimators": 20},
}


@dataclass(frozen=True)
class Model:
    """A row of the table: how the model is made for a schema and the rows to fit on."""

    name: str
    task: str
    make: Callable[[Schema, Split], Any]
    framed: bool = False
    kinds: tuple[str, ...] = ("numbers", "missing numbers", "texts")


@dataclass(frozen=True)
class Outcome:
    """What became of a model on one kind of data: the bound within which it is exact, or why it was refused."""

    exact_to: str
    refused: str = ""
    largest_difference: float = 0.0


def models() -> Iterator[Model]:
    """Yield the rows of the table: what copse-train knows by name, then pipelines of people's own."""
    for task in ("classification", "regression"):
        for name, kind in KINDS.items():
            if kind.of(classifies=task == "classification"):
                yield Model(name, task, _named(name, task))
    for name, model in PIPELINES.items():
        yield Model(name, "classification", _own(model), framed=True, kinds=_kinds(name))
    for name, model in REGRESSIONS.items():
        yield Model(name, "regression", _own(model), framed=True, kinds=_kinds(name))


def outcome(model: Model, kind: str) -> Outcome:
    """Fit a model on one kind of data, export it, and compare export and original."""
    data = data_of(kind, model.task)
    parts = split(data, 0.25, SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator = model.make(data.schema, parts)
            estimator.fit(model_table(estimator, data.schema, parts.fit_rows, framed=model.framed), parts.fit_targets)
        except (TrainingError, ValueError) as error:
            return Outcome("", f"scikit-learn: {_sentence(error)}")
        try:
            verdict = examined(estimator, parts=parts, schema=data.schema)
        except TrainingError as error:
            return Outcome("", _sentence(error))
    largest = max(entry.largest_difference for entry in verdict.parity.row_sets)
    if verdict.faults:
        return Outcome("", f"answers differ ({verdict.faults[0].partition(',')[0]})", largest)
    bits = sum(entry.different_bits for entry in verdict.parity.row_sets)
    return Outcome(_exact_to(Original(estimator, data.schema), parts, bits), "", largest)


@cache
def data_of(kind: str, task: str) -> TrainingData:
    """Return a small data set for a task: numbers alone, some of them missing, or with columns of texts."""
    data = built_in("wine" if task == "classification" else "diabetes")
    random = np.random.default_rng(SEED)
    rows = data.rows.copy()
    if kind == "missing numbers":
        rows[random.random(rows.shape) < 0.1] = np.nan
    if kind != "texts":
        return TrainingData(kind, data.schema, rows, data.targets, data.classes, data.class_names)
    texts = {"colour": ("", "green", "red", "white"), "region": tuple(f"region {index}" for index in range(12))}
    fields = [*data.schema.fields, *(Field(name, categories) for name, categories in texts.items())]
    codes = [random.integers(0, len(categories), len(rows)) for categories in texts.values()]
    mixed = np.column_stack([rows, *codes]).astype(np.float32)
    return TrainingData(kind, Schema(fields), mixed, data.targets, data.classes, data.class_names)


def row(model: Model, outcomes: dict[str, Outcome]) -> list[str]:
    """Return a model's line of the table."""
    cells = [outcomes[kind].exact_to or "refused" if kind in outcomes else "-" for kind in HEAD[2:5]]
    reasons = dict.fromkeys(found.refused for found in outcomes.values() if found.refused)
    return [model.name, model.task, *cells, "; ".join(reasons)]


def document() -> str:
    """Measure every model and return the table."""
    rows = []
    for model in models():
        outcomes = {kind: outcome(model, kind) for kind in model.kinds}
        rows.append(row(model, outcomes))
        differences = {kind: found.largest_difference for kind, found in outcomes.items()}
        print(rows[-1], differences, file=sys.stderr)
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _named(name: str, task: str) -> Callable[[Schema, Split], Any]:
    recipe = Recipe(estimator=name, parameters=SMALL.get(name, {}))
    return lambda schema, parts: unfitted(recipe, schema, parts.fit_rows, classifies=task == "classification")


def _own(model: Callable[[], Any]) -> Callable[[Schema, Split], Any]:
    return lambda _schema, _parts: model()


def _kinds(name: str) -> tuple[str, ...]:
    if "texts" in name:
        return ("texts",)
    return ("numbers", "missing numbers") if "missing" in name else ("numbers",)


def _exact_to(original: Original, parts: Split, different_bits: int) -> str:
    bound = bound_of(original, parts.fit_targets)
    if different_bits == 0 and isinstance(final_step(original.model), FOREST_CLASSIFIERS + FOREST_REGRESSORS):
        return "every bit"
    if not original.classifies:
        return f"{bound.relative:g} of the value"
    return f"{bound.absolute:g}" if original.has_probabilities else "the label"


def _sentence(error: Exception) -> str:
    """Return the first sentence of an error, without a semicolon: those part the reasons."""
    first = re.split(r"(?<=[a-z\)])\. |[;\n]", str(error))[0].replace("|", "/").rstrip(".")
    return first if len(first) <= LONGEST_REASON else f"{first[:LONGEST_REASON]} ..."


def _forest() -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=20, random_state=SEED)


def _texts(encoder: Any, numbers: Any = "passthrough") -> Any:
    """Return the steps that make texts numbers, and leave the numbers or scale them."""
    of_numbers, of_texts = (make_column_selector(dtype_include=kind) for kind in ("number", "str"))
    return make_column_transformer((numbers, of_numbers), (encoder, of_texts))


_ONE_HOT = {"handle_unknown": "ignore", "sparse_output": False}
_LOGISTIC = {"max_iter": 1000}

PIPELINES: dict[str, Callable[[], Any]] = {
    "StandardScaler, forest": lambda: make_pipeline(StandardScaler(), _forest()),
    "MinMaxScaler, forest": lambda: make_pipeline(MinMaxScaler(), _forest()),
    "RobustScaler, forest": lambda: make_pipeline(RobustScaler(), _forest()),
    "SimpleImputer, forest (missing)": lambda: make_pipeline(SimpleImputer(), _forest()),
    "SimpleImputer with indicator, forest (missing)": lambda: make_pipeline(
        SimpleImputer(add_indicator=True), _forest()
    ),
    "KNNImputer, forest (missing)": lambda: make_pipeline(KNNImputer(), _forest()),
    "PCA, forest": lambda: make_pipeline(PCA(5, random_state=SEED), _forest()),
    "PCA, logistic regression": lambda: make_pipeline(StandardScaler(), PCA(5), LogisticRegression(**_LOGISTIC)),
    "PolynomialFeatures, logistic regression": lambda: make_pipeline(
        StandardScaler(), PolynomialFeatures(2), LogisticRegression(**_LOGISTIC)
    ),
    "KBinsDiscretizer, logistic regression": lambda: make_pipeline(
        KBinsDiscretizer(5, encode="onehot-dense", quantile_method="averaged_inverted_cdf"),
        LogisticRegression(**_LOGISTIC),
    ),
    "PowerTransformer, logistic regression": lambda: make_pipeline(PowerTransformer(), LogisticRegression(**_LOGISTIC)),
    "QuantileTransformer, logistic regression": lambda: make_pipeline(
        QuantileTransformer(n_quantiles=50), LogisticRegression(**_LOGISTIC)
    ),
    "QuantileTransformer to normal, forest (missing)": lambda: make_pipeline(
        QuantileTransformer(n_quantiles=50, output_distribution="normal"), _forest()
    ),
    "FunctionTransformer of log1p, forest": lambda: make_pipeline(FunctionTransformer(np.log1p), _forest()),
    "FunctionTransformer of log1p, logistic regression": lambda: make_pipeline(
        FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression(**_LOGISTIC)
    ),
    "SelectKBest, forest": lambda: make_pipeline(SelectKBest(k=5), _forest()),
    "OneHotEncoder of texts, forest": lambda: make_pipeline(_texts(OneHotEncoder(**_ONE_HOT)), _forest()),
    "OneHotEncoder of texts as it comes (sparse), SelectKBest, logistic regression": lambda: make_pipeline(
        _texts(OneHotEncoder(handle_unknown="ignore"), StandardScaler()), SelectKBest(k=8), LogisticRegression()
    ),
    "grid search of a forest with texts": lambda: GridSearchCV(
        make_pipeline(_texts(OneHotEncoder(handle_unknown="ignore")), _forest()),
        {"randomforestclassifier__max_depth": [2, 20]},
        cv=2,
    ),
    "OneHotEncoder of texts, StandardScaler, logistic regression": lambda: make_pipeline(
        _texts(OneHotEncoder(**_ONE_HOT), StandardScaler()), LogisticRegression(**_LOGISTIC)
    ),
    "OneHotEncoder of texts with rare ones, forest": lambda: make_pipeline(
        _texts(OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=12, sparse_output=False)), _forest()
    ),
    "OrdinalEncoder of texts, HistGradientBoosting": lambda: make_pipeline(
        _texts(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
        HistGradientBoostingClassifier(max_iter=20, random_state=SEED),
    ),
    "soft voting": lambda: VotingClassifier(
        [("forest", _forest()), ("bayes", GaussianNB())], voting="soft", flatten_transform=False
    ),
    "hard voting": lambda: VotingClassifier(
        [("forest", _forest()), ("tree", DecisionTreeClassifier(random_state=SEED))], flatten_transform=False
    ),
    "stacking": lambda: StackingClassifier(
        [("forest", _forest()), ("tree", DecisionTreeClassifier(max_depth=3, random_state=SEED))], LogisticRegression()
    ),
    "calibrated forest, sigmoid": lambda: CalibratedClassifierCV(_forest(), method="sigmoid", cv=3),
    "calibrated forest, isotonic": lambda: CalibratedClassifierCV(_forest(), method="isotonic", cv=3),
    "bagged logistic regression": lambda: BaggingClassifier(
        make_pipeline(StandardScaler(), LogisticRegression(**_LOGISTIC)), random_state=SEED
    ),
    "one forest against the rest": lambda: OneVsRestClassifier(_forest()),
}
REGRESSIONS: dict[str, Callable[[], Any]] = {
    "StandardScaler, forest": lambda: make_pipeline(
        StandardScaler(), RandomForestRegressor(n_estimators=20, random_state=SEED)
    ),
    "logarithm of the target, forest": lambda: TransformedTargetRegressor(
        RandomForestRegressor(n_estimators=20, random_state=SEED), func=np.log1p, inverse_func=np.expm1
    ),
    "PowerTransformer of the target, ridge": lambda: TransformedTargetRegressor(
        make_pipeline(StandardScaler(), Ridge()), transformer=PowerTransformer()
    ),
    "OneHotEncoder of texts, ridge": lambda: make_pipeline(_texts(OneHotEncoder(**_ONE_HOT)), Ridge()),
    "voting": lambda: VotingRegressor(
        [("forest", RandomForestRegressor(n_estimators=10, random_state=SEED)), ("ridge", Ridge())]
    ),
    "stacking": lambda: StackingRegressor(
        [("forest", RandomForestRegressor(n_estimators=10, random_state=SEED)), ("ridge", Ridge())], Ridge()
    ),
}


def main() -> int:
    """Renew the table in docs/models.md; return 0."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}{document()}{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
