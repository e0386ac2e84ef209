"""The last rows that a version answered, copied as they come; what is in them is counted only when somebody asks."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from serve.onnx_runtime import Answers, Inputs, MixedRows, Rows

WINDOW = 500  # rows

Texts = list[str]  # of one row
Label = int | str | float


class Window:
    """The last WINDOW rows, and up to twice as many before them. To be used on one thread only."""

    def __init__(self) -> None:
        self.seen = 0  # rows in all
        self._dropped = 0
        self._full = 2 * WINDOW  # rows in all at which some are dropped
        # Rows that came together: how many, their numbers as bytes of float32, their texts, their labels.
        self._blocks: list[tuple[int, bytes, Sequence[Texts], list[Label]]] = []

    def __len__(self) -> int:
        return min(self.seen, WINDOW)

    def add(self, rows: Inputs, answers: Answers) -> None:
        """Keep a copy of rows and of their labels; of more than WINDOW at once an even sample of so many."""
        count, labels = len(rows), answers[0]
        if count > WINDOW:
            chosen = np.arange(WINDOW) * count // WINDOW
            rows = MixedRows(rows.numbers[chosen], rows.texts[chosen]) if isinstance(rows, MixedRows) else rows[chosen]
            count, labels = WINDOW, labels[chosen]
        if isinstance(rows, MixedRows):
            self._blocks.append((count, rows.numbers.tobytes(), rows.texts.tolist(), labels.tolist()))
        else:
            self._blocks.append((count, rows.tobytes(), (), labels.tolist()))
        self.seen = seen = self.seen + count
        if seen > self._full:
            self._drop()

    def _drop(self) -> None:
        """Forget all blocks that have no row of the last WINDOW ones."""
        held, old = self.seen - self._dropped, 0
        for block in self._blocks:
            if held - block[0] < WINDOW:
                break
            held -= block[0]
            old += 1
        del self._blocks[:old]
        self._dropped = self.seen - held
        self._full = self._dropped + 2 * WINDOW

    def numbers(self) -> Rows:
        """Return the numbers [rows, columns of numbers], the oldest row first."""
        held, joined = self.seen - self._dropped, b"".join([numbers for _, numbers, _, _ in self._blocks])
        columns = len(joined) // (4 * held) if held else 0
        return np.frombuffer(joined, np.float32).reshape(held, columns)[-WINDOW:]

    def texts(self) -> list[Texts]:
        """Return the texts of each row in the same order, or nothing where rows have none."""
        return list(chain.from_iterable(texts for _, _, texts, _ in self._blocks))[-WINDOW:]

    def labels(self) -> list[Label]:
        """Return the label, or prediction, of each row in the same order."""
        return list(chain.from_iterable(labels for *_, labels in self._blocks))[-WINDOW:]
