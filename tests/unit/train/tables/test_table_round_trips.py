"""Whatever is written to CSV and to Parquet is read back, the same from both."""

import contextlib
import csv
import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from hypothesis import given, settings
from hypothesis import strategies as st

from train.errors import BadData
from train.tables import Choices, read_table
from train.tables.cells import number
from train.tables.limits import LEAST_ROWS, MISSING_MARKS

ROWS = 12


def plain(text: str) -> bool:
    """Say whether a text means the same in CSV, where numbers, booleans and marks are texts too, as in Parquet."""
    return text == text.strip() and text.lower() not in MISSING_MARKS and number(text) is None


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8).filter(plain)
NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
LABELS = [index % 3 for index in range(ROWS)]


@dataclass
class Drawn:
    """Columns in their order; None is a missing value."""

    columns: dict[str, list[Any]]


def column(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    cells = st.lists(st.one_of(st.none(), values), min_size=ROWS, max_size=ROWS)
    return cells.filter(lambda found: any(value is not None for value in found))


tables = st.builds(
    Drawn,
    st.dictionaries(TEXTS, st.one_of(column(NUMBERS), column(TEXTS), column(st.booleans())), min_size=1, max_size=5),
)


def write_csv(path: Path, columns: dict[str, list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@settings(deadline=None)
@given(tables)
def test_csv_and_parquet_give_the_same_data(drawn: Drawn) -> None:
    columns = drawn.columns | {"target": LABELS}
    with TemporaryDirectory() as folder:
        write_csv(Path(folder, "table.csv"), columns)
        pyarrow.parquet.write_table(pa.table(columns), Path(folder, "table.parquet"))
        choices = Choices("target")
        found = [read_table(Path(folder, name), choices) for name in ("table.csv", "table.parquet")]

    for data in found:
        assert data.schema.names == [name for name in columns if name != "target"]
        values = data.schema.values(data.rows)
        for index, name in enumerate(data.schema.names):
            assert [row[index] for row in values] == columns[name]
    assert found[0].sha256() == found[1].sha256()


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=ROWS, max_size=ROWS))
def test_a_float32_survives_csv_to_the_bit(values: list[float]) -> None:
    shortest = [str(np.float32(value)) for value in values]
    with TemporaryDirectory() as folder:
        write_csv(Path(folder, "table.csv"), {"x": shortest, "target": LABELS})
        data = read_table(Path(folder, "table.csv"), Choices("target"))

    assert data.rows[:, 0].tobytes() == np.array(values, dtype=np.float32).tobytes()


@given(st.text(st.sampled_from("0123456789+-.eEinfatyNA_ \t"), max_size=10))
def test_the_fast_reader_and_the_careful_one_agree_on_what_a_number_is(text: str) -> None:
    try:
        fast = pa.array([text]).cast(pa.float64())[0].as_py()
    except pa.ArrowInvalid:
        return
    careful = number(text)
    assert careful is not None
    assert careful == fast or (math.isnan(careful) and math.isnan(fast))


GOOD = "\n".join(["a,b,target", *(f'{row}.5,"x{row % 2}",{row % 3}' for row in range(ROWS)), ""]).encode()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4),
    st.sampled_from([b"", b'"', b"\n", b"\r", b",", b";", b"\0", b"\xef\xbb\xbf"]),
)
def test_a_damaged_file_is_read_or_refused_but_nothing_else(edits: list[tuple[int, int, bytes]], more: bytes) -> None:
    content = GOOD
    for start, removed, added in edits:
        content = content[:start] + added + more + content[start + removed :]
    with TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        path.write_bytes(content)
        with contextlib.suppress(BadData):
            data = read_table(path, Choices("target"))
            assert len(data.rows) == len(data.targets) >= LEAST_ROWS
