"""Python may end at any moment of reading: the thread that reads ahead does not need it."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
from train.tables.csv_file import CsvFile
file = CsvFile(Path(sys.argv[1]))
batches = file.batches(file.names)
next(batches)
"""


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_program_that_leaves_a_file_half_read_ends_well(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"large{suffix}"
    text = ("a,b\n" + "1.25,word\n" * 500_000).encode()
    path.write_bytes(text if suffix == ".csv" else gzip.compress(text, 1))

    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
