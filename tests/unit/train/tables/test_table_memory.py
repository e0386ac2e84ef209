"""A large file is read with little more memory than its float32 matrix takes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

ROWS, COLUMNS = 300_000, 30
MATRIX_MB = (
    ROWS * COLUMNS * 4 / 2**20
)  # 34 MB; the text of the CSV file has 80 MB, and as float64 it would be 69 MB more
MORE_MB = {"csv": 80, "parquet": 150}  # targets, and a few batches on their way; Parquet decodes whole pages
READ = """
import re, sys
from pathlib import Path
import pandas, pyarrow.csv, pyarrow.parquet, sklearn.model_selection
from train.tables import Choices, read_table

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

begun = peak()
data = read_table(Path(sys.argv[1]), Choices("answer"))
print(*data.rows.shape, peak() - begun)
"""


@pytest.fixture(scope="module")
def numbers() -> pa.Table:
    chance = np.random.default_rng(0)
    columns = {f"c{index}": chance.normal(size=ROWS).round(6) for index in range(COLUMNS)}
    return pa.table(columns | {"answer": chance.integers(0, 2, ROWS)})


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_memory_is_bounded_by_the_matrix_and_a_constant(ending: str, numbers: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / f"large.{ending}"
    if ending == "csv":
        pyarrow.csv.write_csv(numbers, path)
    else:
        pyarrow.parquet.write_table(numbers, path)
    done = subprocess.run([sys.executable, "-c", READ, str(path)], check=True, capture_output=True, text=True)

    rows, columns, grown = (float(word) for word in done.stdout.splitlines()[-1].split())
    assert (rows, columns) == (ROWS, COLUMNS)
    assert grown < MATRIX_MB + MORE_MB[ending]
