"""What watching for drift costs, and what it sees: python -m benchmarks.drift; prints lines for people."""

import timeit
from collections.abc import Callable

import msgspec
import numpy as np

from serve.drift.monitor import Drift, Monitor
from serve.drift.window import WINDOW, Window
from serve.onnx_runtime import Answers, Rows
from tests.drifting import described, held_out, parted

DATA = ("breast-cancer", "wine", "diabetes", "iris", "digits")
SAMPLE = 3000  # rows that come before a shift, and with which held-out rows are sent again and again


def main() -> None:
    """Measure, and print."""
    for rows in (1, 256, 10_000):
        print(f"keep     {rows:,} rows of 30 columns: {1e6 * _seconds_to_keep(rows):.2f} us")
    for columns in (30, 1000):
        print(f"count    a window of {columns} columns: {1e3 * _seconds_to_count(columns):.2f} ms")
    for name in DATA:
        once, often = _highest(_seen(name, held_out(name))), _highest(_seen(name, held_out(name, SAMPLE)))
        print(f"steady   {name}, held-out rows: highest index {once:.3f}, again and again {often:.3f}")
    for name in DATA[:4]:
        print(f"shifted  {name}, one column by a standard deviation: lowest index {_lowest_shifted(name):.3f}")


def _answers(count: int) -> Answers:
    return np.zeros(count, np.int64), np.empty((count, 0), np.float32)


def _fastest(call: Callable[[], object], times: int) -> float:
    """Return seconds of one call."""
    return min(timeit.repeat(call, number=times, repeat=20)) / times


def _seconds_to_keep(count: int) -> float:
    window, rows, answers = Window(), np.zeros((count, 30), np.float32), _answers(count)
    return _fastest(lambda: window.add(rows, answers), 5000 if count == 1 else 200)


def _seconds_to_count(columns: int) -> float:
    manifest = described("breast-cancer")
    many = [msgspec.structs.replace(manifest.columns[place % 30], name=str(place)) for place in range(columns)]
    monitor = Monitor(msgspec.structs.replace(manifest, columns=many))
    monitor.window.add(np.tile(held_out("breast-cancer", WINDOW), 34)[:, :columns], _answers(WINDOW))
    row, answer = monitor.window.numbers()[:1], _answers(1)

    def count() -> Drift:
        monitor.window.add(row, answer)
        return monitor.drift()

    count()
    return _fastest(count, 5)


def _seen(name: str, rows: Rows, monitor: Monitor | None = None) -> Monitor:
    monitor = monitor or Monitor(described(name))
    for start in range(0, len(rows), 100):
        part = rows[start : start + 100]
        monitor.window.add(part, _answers(len(part)))
    return monitor


def _highest(monitor: Monitor) -> float:
    return max(each.index for each in monitor.drift().columns)


def _lowest_shifted(name: str) -> float:
    """Return the lowest index of a column that moved up or down by a standard deviation in the last 500 rows."""
    found, deviations = [], parted(name).fit_rows.std(axis=0)
    for column, deviation in enumerate(deviations):
        for moved in (deviation, -deviation):
            rows = held_out(name, WINDOW)
            rows[:, column] += moved
            monitor = _seen(name, rows, _seen(name, held_out(name, SAMPLE)))
            found.append(monitor.drift().columns[column].index)
    return min(found)


if __name__ == "__main__":
    main()
