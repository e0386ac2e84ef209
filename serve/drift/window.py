"""The last rows that a version answered, copied as they come; what is in them is counted only when somebody asks."""

from itertools import chain

import numpy as np
import numpy.typing as npt

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
        # Of rows that came together: how many, their numbers as bytes of float32, their texts, their labels. Lists side
        # by side, since a tuple for each would wake the garbage collector.
        self._counts: list[int] = []
        self._numbers: list[bytes] = []
        self._texts: list[list[Texts]] = []
        self._labels: list[npt.NDArray[np.generic]] = []

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
            self._texts.append(rows.texts.tolist())
            rows = rows.numbers
        self._counts.append(count)
        self._numbers.append(rows.tobytes())
        self._labels.append(labels)
        self.seen = seen = self.seen + count
        if seen > self._full:
            self._drop()

    def _drop(self) -> None:
        """Forget all blocks that have no row of the last WINDOW ones."""
        held, old = self.seen - self._dropped, 0
        for count in self._counts:
            if held - count < WINDOW:
                break
            held -= count
            old += 1
        for kept in (self._counts, self._numbers, self._texts, self._labels):
            del kept[:old]
        self._dropped = self.seen - held
        self._full = self._dropped + 2 * WINDOW

    def numbers(self) -> Rows:
        """Return the numbers [rows, columns of numbers], the oldest row first."""
        held, joined = self.seen - self._dropped, b"".join(self._numbers)
        columns = len(joined) // (4 * held) if held else 0
        return np.frombuffer(joined, np.float32).reshape(held, columns)[-WINDOW:]

    def texts(self) -> list[Texts]:
        """Return the texts of each row in the same order, or nothing where rows have none."""
        return list(chain.from_iterable(self._texts))[-WINDOW:]

    def labels(self) -> list[Label]:
        """Return the label, or prediction, of each row in the same order."""
        return list(chain.from_iterable(labels.tolist() for labels in self._labels))[-WINDOW:]
