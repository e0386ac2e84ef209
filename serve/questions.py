"""Answering what several requests ask in one run of the model, so that none notices the others."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from serve.errors import RequestError
from serve.model import LoadedModel
from serve.numbers import check_rows
from serve.onnx_runtime import Answers, Inputs, MixedRows


class Asked(NamedTuple):
    """What a request asks: rows, whose numbers are not checked yet, and how the answers to them are written."""

    rows: Inputs
    encode: Callable[[Answers], Any]
    single: bool = False  # an error tells no number of a row


class Question(NamedTuple):
    """The model that is asked, and what decodes the rows."""

    model: LoadedModel
    decode: Callable[[], Asked]


class Answered(NamedTuple):
    """What is sent, the rows that were asked for, and the model's answers to them."""

    content: Any
    rows: Inputs
    answers: Answers


Outcome = Answered | Exception


def answer_all(questions: Sequence[Question]) -> list[Outcome]:
    """Return for each question its answer, or the error that it ends with; never raises."""
    outcomes: dict[int, Outcome] = {}
    by_model: dict[LoadedModel, dict[int, Asked]] = {}
    for index, question in enumerate(questions):
        try:
            by_model.setdefault(question.model, {})[index] = question.decode()
        except Exception as error:  # noqa: BLE001 - raised again where the request is answered
            outcomes[index] = error
    for model, asked in by_model.items():
        outcomes.update(zip(asked, _answer(model, [*asked.values()]), strict=True))
    return [outcomes[index] for index in range(len(questions))]


def _answer(model: LoadedModel, asked: Sequence[Asked]) -> list[Outcome]:
    """Answer together what has the same bits together as alone; where one is refused, each alone."""
    if len(asked) > 1 and model.manifest.parity.same_bits_alone_and_in_a_batch:
        try:
            return _answer_joined(model, asked)
        except RequestError:
            pass
    return [_answer_alone(model, each) for each in asked]


def _answer_joined(model: LoadedModel, asked: Sequence[Asked]) -> list[Outcome]:
    labels, probabilities = _predict(model, _joined([each.rows for each in asked]), single=True)
    outcomes, start = [], 0
    for each in asked:
        end = start + len(each.rows)
        outcomes.append(_encoded(each, (labels[start:end], probabilities[start:end])))
        start = end
    return outcomes


def _answer_alone(model: LoadedModel, asked: Asked) -> Outcome:
    try:
        return _encoded(asked, _predict(model, asked.rows, single=asked.single))
    except RequestError as error:
        return error


def _predict(model: LoadedModel, rows: Inputs, *, single: bool) -> Answers:
    check_rows(rows, model.signature, single=single)
    return model.predict(rows)


def _encoded(asked: Asked, answers: Answers) -> Outcome:
    try:
        return Answered(asked.encode(answers), asked.rows, answers)
    except Exception as error:  # noqa: BLE001 - raised again where the request is answered
        return error


def _joined(parts: Sequence[Inputs]) -> Inputs:
    if mixed := [part for part in parts if isinstance(part, MixedRows)]:
        numbers, texts = [part.numbers for part in mixed], [part.texts for part in mixed]
        return MixedRows(np.concatenate(numbers), np.concatenate(texts))
    return np.concatenate([part for part in parts if not isinstance(part, MixedRows)])
