"""What is answered, as types and as JSON Schema. Their docstrings and members stand in the document."""

from typing import Literal

import msgspec

from serve.model import LoadedModel
from serve.openapi.rows import Schema, exactly, list_of, many_rows, reference

_Optional = msgspec.UnsetType


class Error(msgspec.Struct, forbid_unknown_fields=True):
    """One sentence on what is wrong; where it helps also the row of `instances`, the column, and what was expected."""

    error: str
    row: int | _Optional = msgspec.UNSET
    column: str | _Optional = msgspec.UNSET
    expected: str | _Optional = msgspec.UNSET


class Live(msgspec.Struct, forbid_unknown_fields=True):
    """The process lives."""

    live: bool


class Ready(msgspec.Struct, forbid_unknown_fields=True):
    """The models are loaded and have answered their golden rows."""

    ready: bool


class Known(msgspec.Struct, forbid_unknown_fields=True):
    """A version that is known here; the reason says why one is not served."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str


class DataSet(msgspec.Struct, forbid_unknown_fields=True):
    """The training data: rows in all, and rows held out for the metrics."""

    name: str
    rows: int
    held_out: int


class NumberColumn(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="float32"):
    """A column of numbers, with the smallest and the largest that training saw."""

    name: str
    missing: bool
    minimum: float | None
    maximum: float | None


class TextColumn(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="string"):
    """A column of texts, with those that training saw most often, and whether others are answered."""

    name: str
    missing: bool
    categories: list[str]
    category_count: int
    unknown: bool


class Candidate(msgspec.Struct, forbid_unknown_fields=True):
    """What the candidate version would have answered otherwise."""

    version: int
    rows: int
    disagreements: int
    share_of_disagreement: float
    mean_difference: float
    largest_difference: float
    dropped_rows: int
    errors: int


class Model(msgspec.Struct, forbid_unknown_fields=True):
    """What a served model is, how good it is, and what it takes."""

    status: Literal["alive"]
    model: str
    version: int
    estimator: str
    created: str
    dataset: DataSet
    metrics: dict[str, float]
    task: Literal["classification", "regression"]
    target: str
    features: list[str]
    columns: list[NumberColumn | TextColumn]
    explained: bool
    classes: list[int | str] | _Optional = msgspec.UNSET
    target_names: list[str] | _Optional = msgspec.UNSET
    candidate: Candidate | _Optional = msgspec.UNSET


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    """One of several models, its page's path, and what serves, if anything does."""

    name: str
    version: int | None
    task: Literal["classification", "regression"] | None
    path: str


class Models(msgspec.Struct, forbid_unknown_fields=True):
    """The models that are known here."""

    status: Literal["alive"]
    models: list[Listed]


NUMBER: Schema = {"type": "number"}
TYPES = (Error, Live, Ready, Known, Model, Models)


def answer_schemas(model: LoadedModel) -> dict[str, Schema]:
    """Return the schemas of the answers to one row and to many, by the model's name and their own."""
    one, names = f"{model.name}.Answer", _names(model)
    answer = _answer(model)
    return {
        one: exactly(answer),
        f"{model.name}.OneAnswer": exactly(answer | names),
        f"{model.name}.ManyAnswers": exactly({"predictions": list_of(reference(one))} | names),
    }


def explanation_schemas(model: LoadedModel, max_rows: int) -> dict[str, Schema]:
    """Return the schemas of what is explained, and of how, by the model's name and their own."""
    explanation = model.explanation
    if not explanation:
        return {}
    one, parts = f"{model.name}.Explanation", f"{model.name}.Contributions"
    contributions = exactly(dict.fromkeys(model.signature.names, reference(parts)))
    explained = _answer(model) | {"base": reference(parts), "contributions": contributions}
    common = _names(model) | {"scale": {"const": explanation.scale}}
    return {
        parts: _numbers(len(model.classes), "of the answer's classes, in their order") if model.classes else NUMBER,
        one: exactly(explained),
        f"{model.name}.OneExplanation": exactly(explained | common),
        f"{model.name}.ManyExplanations": exactly({"explanations": list_of(reference(one))} | common),
        f"{model.name}.ManyRowsToExplain": many_rows(model, min(max_rows, explanation.most_rows)),
    }


def _answer(model: LoadedModel) -> dict[str, Schema]:
    answer: dict[str, Schema] = {"prediction": {"enum": model.classes} if model.classes else NUMBER}
    if shares := model.manifest.target.shares:
        answer["probabilities"] = _numbers(shares, "of the classes, in their order")
    return answer


def _names(model: LoadedModel) -> dict[str, Schema]:
    return {"target_names": {"const": model.class_names}} if model.classes else {}


def _numbers(count: int, description: str) -> Schema:
    return list_of(NUMBER, count, count) | {"description": description}
