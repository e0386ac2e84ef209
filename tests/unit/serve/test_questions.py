"""Who asks in the same turn changes nothing for another, and little in how long it takes."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model_repository import PublishedVersion
from serve.blocks import Blocks
from serve.errors import WrongValues
from serve.model import LoadedModel
from serve.onnx_runtime import Inputs
from serve.questions import Answered, Asked, Outcome, Question, answer_all
from tests.counting import Counting
from train.builtin import built_in

ROW = built_in("breast-cancer").rows[:1].astype(np.float32)
TOO_LARGE = np.full_like(ROW, np.inf)


@pytest.fixture
def model(published: PublishedVersion) -> Counting:
    return Counting(published)


@pytest.fixture(scope="module")
def blocks() -> Iterator[Blocks]:
    with ThreadPoolExecutor(1) as threads:
        yield Blocks(threads, 1)


def asked(model: LoadedModel, blocks: Blocks, rows: Sequence[Inputs]) -> list[Outcome]:
    def question(given: Inputs) -> Question:
        return Question(model, lambda: Asked(given, lambda answers: answers[0].tolist(), single=True))

    return answer_all([question(each) for each in rows], blocks)


def test_numbers_that_are_not_taken_leave_the_others_together(model: Counting, blocks: Blocks) -> None:
    rows: list[Inputs] = [ROW] * 64
    rows[20] = TOO_LARGE
    outcomes = asked(model, blocks, rows)
    assert [index for index, each in enumerate(outcomes) if isinstance(each, WrongValues)] == [20]
    assert [each.content for each in outcomes if isinstance(each, Answered)] == [[0]] * 63
    assert sum(model.runs) == 63
    assert len(model.runs) == 6


def test_the_rows_of_each_run_are_told_once(model: Counting, blocks: Blocks) -> None:
    outcomes = asked(model, blocks, [ROW] * 8)
    assert [each.run and len(each.run.rows) for each in outcomes if isinstance(each, Answered)] == [8, *[None] * 7]


def test_each_is_answered_where_there_is_no_memory_for_all(model: Counting, blocks: Blocks) -> None:
    model.most = 2
    outcomes = asked(model, blocks, [ROW] * 8)
    assert [each.content for each in outcomes if isinstance(each, Answered)] == [[0]] * 8


def test_where_there_is_memory_for_none_each_is_told(model: Counting, blocks: Blocks) -> None:
    model.most = 0
    assert [type(each) for each in asked(model, blocks, [ROW] * 3)] == [MemoryError] * 3
