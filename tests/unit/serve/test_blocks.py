"""Many rows in blocks: the same bits whatever the blocks and the threads, and nobody waits for a thread in vain."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_repository import PublishedVersion
from serve import blocks as module
from serve.blocks import BLOCK_ROWS, Blocks, regrouped
from serve.errors import ModelFailed, WrongValues
from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs, MixedRows
from tests.mixed_models import version
from tests.servers import eventually
from train.builtin import built_in

DEADLINE_SECONDS = 20.0
ROWS = built_in("breast-cancer").rows
MANY = np.tile(ROWS, (4, 1))
MIXED = MixedRows(
    np.random.default_rng(0).uniform(-2, 2, (2000, 2)).astype(np.float32),
    np.random.default_rng(1).choice(np.array([["red", "round"], ["blue", "square"]], dtype=object), 2000),
)


@pytest.fixture(scope="module")
def model(published: PublishedVersion) -> LoadedModel:
    return LoadedModel(published)


class Watched(LoadedModel):
    """A model that notes how many rows it was asked for at a time, and fails on request."""

    def __init__(self, published: PublishedVersion) -> None:
        super().__init__(published)
        self.asked: list[int] = []
        self.fails_from = 10**9

    def predict(self, rows: Inputs) -> Answers:
        self.asked.append(len(rows))
        if len(self.asked) > self.fails_from:
            raise ModelFailed("it fails")
        return super().predict(rows)


@pytest.fixture
def watched(published: PublishedVersion) -> Watched:
    return Watched(published)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def bits(answers: Answers) -> list[bytes]:
    return [labels.tobytes() if labels.dtype.kind != "O" else repr(labels.tolist()).encode() for labels in answers]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, len(MANY)), st.integers(1, 4), st.sampled_from([7, 64, 100, 128, 129, 512]))
def test_blocks_and_threads_change_no_bit_of_a_forest(
    model: LoadedModel, count: int, workers: int, block_rows: int
) -> None:
    with ThreadPoolExecutor(workers) as threads, pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "BLOCK_ROWS", block_rows)
        answers = threads.submit(Blocks(threads, workers).predict, model, MANY[-count:]).result(DEADLINE_SECONDS)

    assert bits(answers) == bits(model.predict(MANY[-count:]))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, len(MIXED)), st.integers(1, 3))
@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
def test_blocks_and_threads_change_no_bit_of_rows_with_texts(kind: str, count: int, workers: int) -> None:
    model = LoadedModel(version(kind))  # type: ignore[arg-type]
    with ThreadPoolExecutor(workers) as threads:
        answers = Blocks(threads, workers).predict(model, MIXED[:count])

    assert bits(answers) == bits(model.predict(MIXED[:count]))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_pieces_of_any_size_become_blocks_of_the_same_rows(sizes: list[int]) -> None:
    ends = np.cumsum(sizes)
    rows = np.arange(2 * ends[-1], dtype=np.float32).reshape(-1, 2)
    blocks = list(regrouped(np.split(rows, ends[:-1])))

    assert np.concatenate([block for block in blocks if not isinstance(block, MixedRows)]).tobytes() == rows.tobytes()
    assert max(map(len, blocks)) <= BLOCK_ROWS
    assert all(len(block) >= BLOCK_ROWS / 2 for block in blocks[:-1])


def test_blocks_begin_where_they_do_whatever_the_threads(watched: Watched) -> None:
    seen = []
    for workers in (1, 2, 4):
        with ThreadPoolExecutor(workers) as threads:
            Blocks(threads, workers).predict(watched, MANY)
        seen.append(sorted(watched.asked))
        watched.asked.clear()

    assert seen[0] == seen[1] == seen[2]
    assert max(seen[0]) <= BLOCK_ROWS


def test_a_model_whose_bits_depend_on_the_batch_gets_all_rows_at_once(
    published: PublishedVersion, pool: ThreadPoolExecutor
) -> None:
    parity = msgspec.structs.replace(published.manifest.parity, same_bits_alone_and_in_a_batch=False)
    manifest = msgspec.structs.replace(published.manifest, parity=parity)
    model = Watched(published._replace(manifest=manifest))
    Blocks(pool, 2).predict(model, MANY)
    Blocks(pool, 2).answers(model, np.split(MANY, 4))

    assert model.asked == [len(MANY), len(MANY)]


def test_what_a_block_fails_with_is_what_the_request_fails_with_and_no_block_begins_any_more(
    watched: Watched, pool: ThreadPoolExecutor
) -> None:
    watched.fails_from = 1
    with pytest.raises(ModelFailed, match="it fails"):
        Blocks(pool, 2).answers(watched, np.split(MANY[:1280], 128))

    assert len(watched.asked) < 10


def test_rows_that_turn_out_to_be_wrong_end_the_request_without_working_on_the_rest(
    watched: Watched, pool: ThreadPoolExecutor
) -> None:
    def pieces() -> Iterator[Inputs]:
        yield from np.split(MANY[:1000], 100)
        raise WrongValues("a value is text")

    with pytest.raises(WrongValues, match="a value is text"):
        Blocks(pool, 1).answers(watched, pieces())

    assert watched.asked == []


def test_requests_in_all_threads_of_the_pool_do_not_wait_for_each_other(
    model: LoadedModel, pool: ThreadPoolExecutor
) -> None:
    together = threading.Barrier(2)

    def ask() -> list[bytes]:
        together.wait(DEADLINE_SECONDS)
        return bits(Blocks(pool, 2).predict(model, MANY))

    done, late = wait([pool.submit(ask) for _ in range(8)], DEADLINE_SECONDS)

    assert not late
    assert {tuple(each.result()) for each in done} == {tuple(bits(model.predict(MANY)))}


def test_a_free_thread_answers_what_is_there_while_the_rest_is_read(watched: Watched, pool: ThreadPoolExecutor) -> None:
    def pieces() -> Iterator[Inputs]:
        yield from np.split(MANY[:1000], 10)
        eventually(lambda: len(watched.asked) == 10, lambda: f"{len(watched.asked)} of 10 blocks were answered")
        yield MANY[1000:1001]

    Blocks(pool, 2).answers(watched, pieces())

    assert watched.asked == [100] * 10 + [1]


def test_a_helper_lets_others_have_its_thread_between_two_blocks(model: LoadedModel, pool: ThreadPoolExecutor) -> None:
    small: list[int] = []
    left: list[int] = []

    def pieces() -> Iterator[Inputs]:
        for index in range(200):
            if index == 100:
                pool.submit(small.append, 0).result(DEADLINE_SECONDS)
                left.append(200 - index)
            yield MANY[:64]

    pool.submit(Blocks(pool, 2).answers, model, pieces()).result(DEADLINE_SECONDS)

    assert (small, left) == ([0], [100])


def test_a_pool_that_takes_nothing_any_more_leaves_the_work_to_who_asks(model: LoadedModel) -> None:
    threads = ThreadPoolExecutor(2)
    threads.shutdown()

    assert bits(Blocks(threads, 2).predict(model, MANY)) == bits(model.predict(MANY))


def test_what_was_not_begun_when_the_pool_ended_is_not_waited_for(model: LoadedModel) -> None:
    threads, held = ThreadPoolExecutor(1), threading.Event()
    threads.submit(held.wait, DEADLINE_SECONDS)
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(partial(Blocks(threads, 2).predict, model, MANY))
        threads.shutdown(wait=False, cancel_futures=True)
        answers = asked.result(DEADLINE_SECONDS)
    held.set()

    assert bits(answers) == bits(model.predict(MANY))
