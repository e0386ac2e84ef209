"""A program may end at any moment of reading: no thread that reads ahead stands in the way."""

import gzip
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from train.tables.read import open_source

RUNS, AT_ONCE = 6, 6  # more at once than there are processors: the threads that read ahead come late
ROWS = 500_000
READ = """
import sys
from pathlib import Path
from train.tables.read import open_source

source = open_source(Path(sys.argv[1]))
batches = source.batches(source.names)
next(batches)
"""


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_arrow_reads_a_file_of_its_own(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    really = pyarrow.csv.open_csv

    def watched(file: object, *options: object) -> object:
        given.append(file)
        return really(file, *options)

    monkeypatch.setattr(pyarrow.csv, "open_csv", watched)
    path, content = tmp_path / f"table.{ending}", b"a,b\n1,2\n"
    path.write_bytes(gzip.compress(content) if ending == "csv.gz" else content)

    assert [batch.num_rows for batch in open_source(path).batches(["a"])] == [1]
    assert [type(file) for file in given] == [pa.CompressedInputStream if ending == "csv.gz" else pa.OSFile]


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_a_program_that_ends_while_a_file_is_read_ends_well(ending: str, tmp_path: Path) -> None:
    path, plain = tmp_path / f"table.{ending}", tmp_path / "table.csv"
    table = pa.table({name: range(ROWS) for name in ("width", "height", "label")})
    pyarrow.csv.write_csv(table, plain)
    if ending == "csv.gz":
        path.write_bytes(gzip.compress(plain.read_bytes(), 1))

    def ended(_: int) -> tuple[int, bytes]:
        done = subprocess.run([sys.executable, "-c", READ, path], check=False, capture_output=True, timeout=240)
        return done.returncode, done.stderr

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert set(pool.map(ended, range(RUNS))) == {(0, b"")}
