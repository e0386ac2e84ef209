"""Answering what several requests ask in one run of the model, so that none notices the others."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from serve.blocks import Blocks, joined, regrouped
from serve.errors import WrongValues
from serve.model import LoadedModel
from serve.numbers import check_rows
from serve.onnx_runtime import Answers, Inputs


class Asked(NamedTuple):
    """What a request asks: rows, whose numbers are not checked yet, and how the answers to them are written."""

    rows: Inputs
    encode: Callable[[Answers], Any]
    single: bool = False  # an error tells no number of a row


class AskedInPieces(NamedTuple):
    """What a large request asks: at least 1 row, some at a time, which are decoded as they are asked for."""

    pieces: Iterator[Inputs]
    encode: Callable[[Answers], Any]


Decode = Callable[[], Asked | AskedInPieces]


class Question(NamedTuple):
    """The model that is asked, and what decodes the rows."""

    model: LoadedModel
    decode: Decode


class Run(NamedTuple):
    """Rows that were answered together, the answers to them, and how many requests they are of."""

    rows: Inputs
    answers: Answers
    requests: int


class Answered(NamedTuple):
    """What is sent, the rows that were asked for, and the model's answers to them; then what it took.

    Times are in seconds; that of the inference is the whole of a run, whoever else was answered by it. Of all who were,
    one has the run.
    """

    content: Any
    rows: Inputs
    answers: Answers
    decoding: float = 0.0
    inference: float = 0.0
    encoding: float = 0.0
    run: Run | None = None


Outcome = Answered | Exception


class _Decoded(NamedTuple):
    """What a request asks, and how many seconds its decoding took."""

    asked: Asked
    seconds: float


def answer_all(questions: Sequence[Question], blocks: Blocks) -> list[Outcome]:
    """Return for each question its answer, or the error that it ends with; never raises."""
    outcomes: dict[int, Outcome] = {}
    by_model: dict[LoadedModel, dict[int, _Decoded]] = {}
    for index, question in enumerate(questions):
        begun = time.monotonic()
        try:
            asked = question.decode()
            if isinstance(asked, AskedInPieces):
                outcomes[index] = _answer_in_pieces(question.model, asked, blocks)
            else:
                by_model.setdefault(question.model, {})[index] = _Decoded(asked, time.monotonic() - begun)
        except Exception as error:  # noqa: BLE001 - raised again where the request is answered
            outcomes[index] = error
    for model, of_model in by_model.items():
        outcomes.update(zip(of_model, _answer(model, [*of_model.values()], blocks), strict=True))
    return [outcomes[index] for index in range(len(questions))]


def _answer(model: LoadedModel, decoded: Sequence[_Decoded], blocks: Blocks) -> list[Outcome]:
    """Answer together what has the same bits together as alone; where that fails, each half by itself."""
    if len(decoded) == 1 or not model.manifest.parity.same_bits_alone_and_in_a_batch:
        return [_answer_alone(model, each, blocks) for each in decoded]
    try:
        return _answer_joined(model, decoded, blocks)
    except Exception:  # noqa: BLE001 - found again for the one that it is about
        half = len(decoded) // 2
        return [*_answer(model, decoded[:half], blocks), *_answer(model, decoded[half:], blocks)]


def _answer_joined(model: LoadedModel, decoded: Sequence[_Decoded], blocks: Blocks) -> list[Outcome]:
    begun = time.monotonic()
    rows = joined([each.asked.rows for each in decoded])
    labels, probabilities = answers = _predict(model, rows, blocks, single=True)
    seconds = time.monotonic() - begun
    outcomes, start = [], 0
    run: Run | None = Run(rows, answers, len(decoded))
    for each in decoded:
        end = start + len(each.asked.rows)
        outcome = _encoded(each, (labels[start:end], probabilities[start:end]), seconds, run)
        outcomes.append(outcome)
        start, run = end, run if isinstance(outcome, Exception) else None
    return outcomes


def _answer_alone(model: LoadedModel, decoded: _Decoded, blocks: Blocks) -> Outcome:
    begun, rows = time.monotonic(), decoded.asked.rows
    try:
        answers = _predict(model, rows, blocks, single=decoded.asked.single)
    except Exception as error:  # noqa: BLE001 - raised again where the request is answered
        return error
    return _encoded(decoded, answers, time.monotonic() - begun, Run(rows, answers, 1))


def _answer_in_pieces(model: LoadedModel, asked: AskedInPieces, blocks: Blocks) -> Outcome:
    """Have the first pieces answered while the others are decoded, which counts as inference."""
    begun = time.monotonic()
    found: list[Inputs] = []
    answers = blocks.answers(model, _checked(asked.pieces, found, model))
    answered = time.monotonic()
    content, rows = asked.encode(answers), joined(found)
    encoding = time.monotonic() - answered
    return Answered(content, rows, answers, 0.0, answered - begun, encoding, Run(rows, answers, 1))


def _checked(pieces: Iterator[Inputs], found: list[Inputs], model: LoadedModel) -> Iterator[Inputs]:
    """Yield rows in blocks, as long as the model takes their numbers, and have all of them `found`.

    Raises:
        WrongValues: a number is not taken. What is wrong elsewhere with the request comes first.

    """
    wrong = False
    for block in regrouped(pieces):
        found.append(block)
        try:
            check_rows(block, model.signature, single=False)
        except WrongValues:
            wrong = True
        if not wrong:
            yield block
    if wrong:
        check_rows(joined(found), model.signature, single=False)


def _predict(model: LoadedModel, rows: Inputs, blocks: Blocks, *, single: bool) -> Answers:
    check_rows(rows, model.signature, single=single)
    return blocks.predict(model, rows)


def _encoded(decoded: _Decoded, answers: Answers, inference: float, run: Run | None) -> Outcome:
    begun, asked = time.monotonic(), decoded.asked
    try:
        content = asked.encode(answers)
    except Exception as error:  # noqa: BLE001 - raised again where the request is answered
        return error
    encoding = time.monotonic() - begun
    return Answered(content, asked.rows, answers, decoded.seconds, inference, encoding, run)
