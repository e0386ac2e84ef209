"""The files of the prediction log: bounded, for their owner alone, and whole whenever they can be seen."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from model_repository import Column, Histogram
from serve.model import LoadedModel
from serve.prediction_log.json_lines import FILES, LINES_AT_ONCE, LineFile, StandardOutput
from serve.prediction_log.parquet import ParquetFolder
from serve.prediction_log.samples import Policy
from tests.mixed_models import ROWS, version
from tests.prediction_logs import BYTES, EVERYTHING, MIXED, accounted, answers_to, lines, logging_to, offer
from tests.servers import eventually

LINE = 250  # bytes, about
ROOT = Path(__file__).parents[4]


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def numbers_in(folder: Path) -> list[float]:
    """Return the first column of all lines, the oldest first."""
    paths = [folder / f"log.jsonl.{number}" for number in range(FILES - 1, 0, -1)] + [folder / "log.jsonl"]
    return [line["features"]["width"] for path in paths if path.exists() for line in lines(path)]


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 3 * LINES_AT_ONCE), min_size=1, max_size=30), most=st.integers(4_000, 20_000))
def test_all_files_together_stay_within_the_bound_and_hold_the_newest_lines(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], most: int
) -> None:
    folder, number = tmp_path_factory.mktemp("log"), 0
    with logging_to(LineFile(folder / "log.jsonl", most)) as log:
        for size in sizes:
            offer(log, [[float(number + row), "red", 0.5, "round"] for row in range(size)])
            number += size
            eventually(lambda: accounted(log) == number, lambda: "not written")  # noqa: B023 - at once
            assert sum(path.stat().st_size for path in folder.iterdir()) <= most

    found = numbers_in(folder)
    assert log.rows == number
    assert found == [float(each) for each in range(number - len(found), number)]
    assert len(found) >= min(number, (most * (FILES - 1) // FILES - FILES * LINE) // LINE - 1)


def test_files_are_for_their_owner_alone_whatever_they_were(tmp_path: Path) -> None:
    (tmp_path / "open.jsonl").touch()
    (tmp_path / "open.jsonl").chmod(0o666)
    with logging_to(LineFile(tmp_path / "open.jsonl", BYTES)) as log:
        offer(log, ROWS)
    with logging_to(LineFile(tmp_path / "log.jsonl", 8_000)) as log:
        offer(log, ROWS * 10)
    with logging_to(ParquetFolder(tmp_path / "log.parquet", BYTES)) as log:
        offer(log, ROWS)

    for path in tmp_path.rglob("*"):
        assert permissions(path) == (0o700 if path.is_dir() else 0o600)


def test_a_file_goes_on_where_it_ended_without_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for begun in ("", '{"kind":"predic'):
        with logging_to(LineFile(path, BYTES)) as log:
            offer(log, ROWS)
        with path.open("a") as file:
            file.write(begun)
    with logging_to(LineFile(path, BYTES)) as log:
        offer(log, ROWS)

    assert len(lines(path)) == 3 * len(ROWS)


def test_what_is_larger_than_a_bound_that_was_lowered_is_deleted(tmp_path: Path) -> None:
    for number in range(1, FILES):
        (tmp_path / f"log.jsonl.{number}").write_text("x" * (2_000 if number == 2 else 500) + "\n")
    LineFile(tmp_path / "log.jsonl", 4_000)

    assert {path.name for path in tmp_path.iterdir()} == {"log.jsonl", "log.jsonl.1", "log.jsonl.3"}


def test_a_line_that_is_longer_than_a_file_may_be_is_dropped_and_the_next_is_not(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with logging_to(LineFile(path, 4 * 600)) as log:
        offer(log, ROWS[:1], request_id="r" * 600)
        eventually(lambda: accounted(log) == 1, lambda: "not taken")
        offer(log, ROWS[:2])

    assert (log.rows, log.dropped["failed"]) == (2, 1)
    assert len(numbers_in(tmp_path)) == 2


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_not_written_to(tmp_path: Path, kind: str) -> None:
    path, before = tmp_path / "log.jsonl", permissions(Path("/dev/full"))
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"director|no file"):
        LineFile(path, BYTES)
    assert permissions(Path("/dev/full")) == before


def test_a_disk_that_is_full_for_a_while_leaves_whole_lines() -> None:
    with Path("/dev/full").open("wb") as full, logging_to(StandardOutput(full.fileno())) as log:
        offer(log, ROWS)
        eventually(lambda: accounted(log) == len(ROWS), lambda: "not taken")

    assert log.dropped["failed"] == len(ROWS)


def test_a_pipe_that_nobody_reads_any_more_is_counted() -> None:
    read, write = os.pipe()
    with logging_to(StandardOutput(write)) as log:
        os.close(read)
        offer(log, ROWS)
    os.close(write)

    assert log.dropped["failed"] == len(ROWS)


def test_a_pipe_that_does_not_block_gets_every_line_whole() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    received: list[bytes] = []
    with logging_to(StandardOutput(write)) as log:
        for _ in range(100):
            offer(log, ROWS)
        eventually(lambda: log.rows > 0, lambda: "nothing is written")
        reader = threading.Thread(target=_read, args=(read, received))
        reader.start()
    os.close(write)
    reader.join(20)
    os.close(read)

    assert log.rows == 100 * len(ROWS)
    assert b"".join(received).count(b"\n") == log.rows


def _read(descriptor: int, received: list[bytes]) -> None:
    while part := os.read(descriptor, 2**16):
        received.append(part)


def parquet_files(folder: Path) -> list[Path]:
    return sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.name)


def test_each_version_has_files_of_its_own_with_its_own_columns(tmp_path: Path) -> None:
    other = LoadedModel(version("number", 2))
    with logging_to(ParquetFolder(tmp_path / "log.parquet", BYTES)) as log:
        offer(log, ROWS)
        log.offer(other, other.signature.inputs(ROWS), (np.zeros(5, np.float32), np.zeros((5, 0), np.float32)), "b")

    first, second = (pd.read_parquet(tmp_path / "log.parquet" / "shapes" / number) for number in ("1", "2"))
    assert [*first["copse_prediction"]] == ["no"] * 5
    assert [*second["copse_prediction"]] == [0.0] * 5
    assert "copse_probability_no" in first
    assert "copse_probability_no" not in second
    assert str(first["width"].dtype) == "float32"
    assert str(first["copse_time"].dt.tz) == "UTC"


WITHOUT_PANDAS = """
import sys
from pathlib import Path
from serve.prediction_log.parquet import ParquetFolder
from serve.prediction_log.samples import LoggedModel, sample_of
from tests.mixed_models import ROWS
from tests.prediction_logs import EVERYTHING, MIXED, answers_to
before = "pandas" in sys.modules
logged = LoggedModel(MIXED, EVERYTHING)
sample = sample_of(logged, 0.0, "asked", MIXED.signature.inputs(ROWS), answers_to(len(ROWS)))
print(before, *ParquetFolder(Path(sys.argv[1]), 2**22).write([sample]), "pandas" in sys.modules)
"""


def test_writing_parquet_loads_no_pandas_where_it_is_installed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_PANDAS, str(tmp_path / "log.parquet")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)

    assert done.stdout.split() == ["False", "5", "False"]


def test_a_column_with_a_name_of_the_logs_own_keeps_it(tmp_path: Path) -> None:
    columns = version("classes").manifest.columns
    columns[0] = Column("copse_row", -2.0, 1.5, 0.25, Histogram([-2.0, 1.5], [5]))
    model = LoadedModel(version("classes", columns=columns))
    with logging_to(ParquetFolder(tmp_path / "log.parquet", BYTES)) as log:
        log.offer(model, model.signature.inputs(ROWS), answers_to(5), "asked")

    table = pd.read_parquet(tmp_path / "log.parquet" / "shapes" / "1")
    assert [*table["copse_row"]] == [row[0] for row in ROWS]
    assert [*table["copse_row_"]] == [0, 1, 2, 3, 4]


def test_parquet_files_stay_within_the_bound_and_the_oldest_go(tmp_path: Path) -> None:
    folder, most = tmp_path / "log.parquet", 60_000
    sink = ParquetFolder(folder, most)
    sink.seconds = 0.0
    seen: list[Path] = []
    with logging_to(sink) as log:
        for number in range(12):
            offer(log, ROWS * 100, request_id=str(number))
            eventually(lambda number=number: accounted(log) == 500 * (number + 1), lambda: "no")  # type: ignore[misc]
            files = parquet_files(folder)
            seen += [path for path in files if path not in seen]
            assert sum(path.stat().st_size for path in files) <= most

    assert log.rows == 12 * 500
    assert len(files) < len(seen) == 12
    assert files == seen[-len(files) :]


def test_the_folder_of_a_version_goes_with_its_last_file(tmp_path: Path) -> None:
    folder = tmp_path / "log.parquet"
    old = folder / "shapes" / "0"
    old.mkdir(parents=True)
    (old / "20200101T000000000000Z.parquet").write_bytes(bytes(60_000))
    with logging_to(ParquetFolder(folder, 60_000)) as log:
        offer(log, ROWS)

    assert [path.name for path in (folder / "shapes").iterdir()] == ["1"]


def test_what_a_crash_left_is_removed_at_start_and_readers_never_see_it(tmp_path: Path) -> None:
    folder = tmp_path / "log.parquet"
    with logging_to(ParquetFolder(folder, BYTES)) as log:
        offer(log, ROWS)
    half = folder / "shapes" / "1" / ".20200101T000000000000Z.unfinished"
    half.write_bytes(b"PAR1")
    assert len(pd.read_parquet(folder / "shapes" / "1")) == len(ROWS)

    ParquetFolder(folder, BYTES)
    assert not half.exists()
    assert len(parquet_files(folder)) == 1


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "log.parquet"
    real = parquet.write_table

    def half(table: Any, file: Any, **options: Any) -> None:
        real(table, file, **options)
        raise OSError(28, "No space left on device")

    with logging_to(ParquetFolder(folder, BYTES)) as log, monkeypatch.context() as patched:
        patched.setattr(parquet, "write_table", half)
        offer(log, ROWS)
        log._sink.seconds = 0.0
        eventually(lambda: accounted(log) == len(ROWS), lambda: "not taken")

    assert log.dropped["failed"] == len(ROWS)
    assert parquet_files(folder) == []


def test_a_folder_that_is_cleared_away_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "log.parquet"
    sink = ParquetFolder(folder, BYTES)
    folder.rmdir()
    with logging_to(sink) as log:
        offer(log, ROWS)

    assert (log.rows, log.dropped["failed"]) == (len(ROWS), 0)
    assert len(parquet_files(folder)) == 1
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_too_large_for_the_bound_is_dropped(tmp_path: Path) -> None:
    with logging_to(ParquetFolder(tmp_path / "log.parquet", 4_000)) as log:
        offer(log, ROWS)

    assert log.dropped["failed"] == len(ROWS)
    assert parquet_files(tmp_path) == []


def test_the_columns_are_those_that_the_policy_leaves(tmp_path: Path) -> None:
    policy = Policy(frozenset({"shape"}), frozenset({"width"}), b"k" * 16)
    with logging_to(ParquetFolder(tmp_path / "log.parquet", BYTES), policy) as log:
        log.offer(MIXED, MIXED.signature.inputs(ROWS), answers_to(5), "asked")

    table = pd.read_parquet(tmp_path / "log.parquet" / "shapes" / "1")
    assert [*table.columns[:3]] == ["width", "colour", "height"]
    assert {len(value) for value in table["width"]} == {32}
    assert policy.named == {"shape", "width"}
    assert EVERYTHING.named == frozenset()
