"""Many rows are answered in blocks, by the thread that asks and by those of a pool that have nothing else to do.

ONNX Runtime lets go of the interpreter while it works, so that several blocks are answered at the same time. Where a
block begins depends on what was sent alone: the answers are the same bits whatever the number of threads.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np

from serve.model import LoadedModel
from serve.onnx_runtime import Answers, Inputs, MixedRows

BLOCK_ROWS = 512  # with fewer a row takes longer, with more hardly less time; a block takes milliseconds


class Blocks:
    """Has blocks of rows answered in threads; to be used from any thread, those of the pool among them."""

    def __init__(self, threads: ThreadPoolExecutor, workers: int) -> None:
        """Take a pool of so many workers; with one, who asks works alone."""
        self._threads = threads
        self._helpers = workers - 1

    def predict(self, model: LoadedModel, rows: Inputs) -> Answers:
        """Return what `model.predict` returns.

        Raises:
            ModelFailed: ONNX Runtime cannot answer them.

        """
        if len(rows) <= BLOCK_ROWS or not model.manifest.parity.same_bits_alone_and_in_a_batch:
            return model.predict(rows)
        return self.answers(model, _in_blocks(rows))

    def answers(self, model: LoadedModel, blocks: Iterable[Inputs]) -> Answers:
        """Return the answers to all rows of some blocks; the next is asked for while those before it are answered.

        Raises:
            ModelFailed: ONNX Runtime cannot answer them.

        """
        if not model.manifest.parity.same_bits_alone_and_in_a_batch:
            return model.predict(joined([*blocks]))
        work = _Work(model, self._threads, self._helpers)
        try:
            for block in blocks:
                work.add(block)
            found = work.finish()
        finally:
            work.abandon()
        return np.concatenate([labels for labels, _ in found]), np.concatenate([shares for _, shares in found])


def regrouped(pieces: Iterable[Inputs]) -> Iterator[Inputs]:
    """Yield rows that come in pieces of any size in blocks."""
    held: list[Inputs] = []
    for piece in pieces:
        held.append(piece)
        if sum(map(len, held)) >= BLOCK_ROWS:
            yield from _in_blocks(joined(held))
            held = []
    if held:
        yield from _in_blocks(joined(held))


def joined(parts: Sequence[Inputs]) -> Inputs:
    """Return the rows of parts, at least 1, as one."""
    if len(parts) == 1:
        return parts[0]
    if mixed := [part for part in parts if isinstance(part, MixedRows)]:
        numbers, texts = [part.numbers for part in mixed], [part.texts for part in mixed]
        return MixedRows(np.concatenate(numbers), np.concatenate(texts))
    return np.concatenate([part for part in parts if not isinstance(part, MixedRows)])


def _in_blocks(rows: Inputs) -> Iterator[Inputs]:
    """Yield rows in blocks of about the same size."""
    count = -(-len(rows) // BLOCK_ROWS)
    for index in range(count):
        yield rows[len(rows) * index // count : len(rows) * (index + 1) // count]


class _Work:
    """The blocks of one request. Whoever adds them works on them, too, and never waits for one that none has begun."""

    def __init__(self, model: LoadedModel, threads: ThreadPoolExecutor, helpers: int) -> None:
        self._model = model
        self._threads = threads
        self._free_helpers = helpers
        self._blocks: list[Inputs] = []
        self._found: dict[int, Answers] = {}
        self._begun = self._running = 0
        self._error: Exception | None = None
        self._changed = threading.Condition()

    def add(self, block: Inputs) -> None:
        """Have a block answered by the next thread that has nothing else to do."""
        with self._changed:
            self._blocks.append(block)
            if not self._free_helpers:
                return
            self._free_helpers -= 1
        self._call_help()

    def finish(self) -> list[Answers]:
        """Work on what is left, and return the answers to each block; raises what a block raised."""
        while (index := self._take()) is not None:
            self._answer(index)
        with self._changed:
            self._changed.wait_for(lambda: not self._running)
        if self._error:
            raise self._error
        return [self._found[index] for index in range(len(self._blocks))]

    def abandon(self) -> None:
        """Begin no more blocks."""
        with self._changed:
            self._begun = len(self._blocks)

    def _call_help(self) -> None:
        with suppress(RuntimeError):  # the server ends, and its pool takes nothing any more
            self._threads.submit(self._help)

    def _help(self) -> None:
        """Work on one block, then stand in line again, behind all others who want the thread."""
        with self._changed:
            index = self._take()
            if index is None:
                self._free_helpers += 1
                return
        self._answer(index)
        self._call_help()

    def _take(self) -> int | None:
        """Return the next block that none has begun, which the caller then has to answer."""
        with self._changed:
            if self._begun == len(self._blocks):
                return None
            self._begun += 1
            self._running += 1
            return self._begun - 1

    def _answer(self, index: int) -> None:
        try:
            self._found[index] = self._model.predict(self._blocks[index])
        except Exception as error:  # noqa: BLE001 - raised again by who asks
            self._error = error
            self.abandon()
        with self._changed:
            self._running -= 1
            self._changed.notify_all()
