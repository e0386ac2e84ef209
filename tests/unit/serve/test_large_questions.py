"""A large request that is decoded while it is answered ends as one that is decoded first: with the same words."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import orjson
import pytest

from model_repository import PublishedVersion
from serve.blocks import Blocks
from serve.decode import decode
from serve.decode_large import decode_large
from serve.encode import encode_many
from serve.errors import WrongValues
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs
from serve.questions import Answered, Asked, AskedInPieces, Outcome, Question, answer_all
from train.builtin import built_in

COUNT = 2000
ROWS: list[list[Any]] = np.tile(built_in("breast-cancer").rows, (4, 1))[:COUNT].tolist()


@pytest.fixture(scope="module")
def model(published: PublishedVersion) -> LoadedModel:
    return LoadedModel(published)


@pytest.fixture(scope="module")
def blocks() -> Iterator[Blocks]:
    with ThreadPoolExecutor(2) as threads:
        yield Blocks(threads, 2)


def in_pieces(model: LoadedModel, body: bytes) -> AskedInPieces:
    pieces = decode_large(body, model.signature, COUNT)
    assert pieces
    return AskedInPieces(pieces, partial(encode_many, model=model))


def at_once(model: LoadedModel, body: bytes) -> Asked:
    return Asked(decode(body, model.signature, COUNT).rows, partial(encode_many, model=model))


def both(model: LoadedModel, blocks: Blocks, rows: list[list[Any]]) -> list[Outcome]:
    body = orjson.dumps({"instances": rows})
    questions = [Question(model, partial(in_pieces, model, body)), Question(model, partial(at_once, model, body))]
    return answer_all(questions, blocks)


def with_value(row: int, value: Any) -> list[list[Any]]:
    return [[*ROWS[row][:-1], value] if index == row else given for index, given in enumerate(ROWS)]


def test_rows_and_answers_are_the_same_bits(model: LoadedModel, blocks: Blocks) -> None:
    large, usual = both(model, blocks, ROWS)

    assert isinstance(large, Answered)
    assert isinstance(usual, Answered)
    assert large.content == usual.content
    assert isinstance(large.rows, np.ndarray)
    assert large.rows.tobytes() == np.array(ROWS, np.float32).tobytes()
    assert [each.tobytes() for each in large.answers] == [each.tobytes() for each in usual.answers]


@pytest.mark.parametrize("row", [0, 1, 777, COUNT - 1])
@pytest.mark.parametrize("value", [1e39, -1e300, "1.5", None, True, []])
def test_what_is_wrong_is_told_with_its_row_and_column(
    model: LoadedModel, blocks: Blocks, row: int, value: Any
) -> None:
    large, usual = both(model, blocks, with_value(row, value))

    assert isinstance(large, WrongValues)
    assert isinstance(usual, WrongValues)
    assert large.body() == usual.body()
    assert large.body()["row"] == row
    assert large.body()["column"] == model.signature.names[-1]


def test_what_is_no_number_is_told_before_what_is_too_large(model: LoadedModel, blocks: Blocks) -> None:
    rows = with_value(3, 1e39)
    rows[COUNT - 1] = [*ROWS[0][:-1], "1.5"]
    large, usual = both(model, blocks, rows)

    assert isinstance(large, WrongValues)
    assert isinstance(usual, WrongValues)
    assert large.body() == usual.body()
    assert large.body()["row"] == COUNT - 1


def test_numbers_that_are_not_taken_are_not_given_to_the_model(published: PublishedVersion, blocks: Blocks) -> None:
    given: list[Inputs] = []

    class Noting(LoadedModel):
        def predict(self, rows: Inputs) -> Answers:
            given.append(rows)
            return super().predict(rows)

    model = Noting(published)
    large, _ = both(model, blocks, with_value(3, 1e39))

    assert isinstance(large, WrongValues)
    assert given == []
