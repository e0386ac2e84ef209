"""What cannot be read is told in one sentence: what, where, and a way out; never with a value from a row."""

import gzip
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from train.errors import BadData
from train.schema import Field
from train.tables import Choices, read_rows, read_table
from train.tables.fill import Values, fill
from train.tables.read import open_source

SECRET = "sesame"  # stands in the rows of all these files
ROWS = [f"{number}.5,{SECRET if number % 2 else 'thyme'},{number % 3}" for number in range(12)]
GOOD = "\n".join(["height,herb,label", *ROWS, ""])


class Bad(NamedTuple):
    """A file that cannot be used, and what is said of it; {path} stands for where it is."""

    case: str
    content: str | bytes | Callable[[Path], object]
    says: str
    name: str = "plants.csv"
    choices: dict[str, Any] = {}  # noqa: RUF012 - read only


def edited(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def column(name: str, cells: list[str]) -> str:
    """Return the good file with one more column."""
    return "\n".join(f"{cell},{row}" for cell, row in zip([name, *cells], GOOD.splitlines(), strict=True)) + "\n"


def parquet(**columns: Any) -> Callable[[Path], object]:
    whole = {"height": [float(number) for number in range(12)], "herb": [SECRET, "thyme"] * 6, "label": [0, 1, 2] * 4}
    return lambda path: pyarrow.parquet.write_table(pa.table(whole | columns), path)


def folder(*names: str) -> Callable[[Path], object]:
    def make(path: Path) -> None:
        path.mkdir()
        for index, name in enumerate(names):
            parquet(**({"herb": [1] * 12} if index else {}))(path / name)

    return make


NUMBERS = "\n".join(",".join(str(row * 3 + cell) for cell in range(3)) for row in range(12))

FILES = [
    Bad("not there", lambda _: None, "{path}: there is no such file or folder"),
    Bad("empty", "", "{path}: the file is empty; a header and rows below it were expected"),
    Bad("blank lines only", "\n\n\n", "{path}: the file is empty; a header and rows below it were expected"),
    Bad("header only", "height,herb,label\n", "{path}: the file has a header and no rows"),
    Bad("header without a line end", "height,herb,label", "{path}: the file has a header and no rows"),
    Bad(
        "no header, numbers",
        NUMBERS,
        "{path}: its first line holds only numbers; a header with the names of the columns was expected",
    ),
    Bad(
        "no header, numbers and texts",
        "\n".join(ROWS),
        "{path}: --target names label, which is no column; is its first line a header?",
    ),
    Bad(
        "no header, the same number twice",
        "\n".join(["1,1,x", *ROWS]),
        "{path}: columns have the same name, and it is a number; is its first line a header?",
    ),
    Bad(
        "one column",
        "height\n" + "1\n" * 12,
        "{path}: its first line is one cell; columns are separated by commas, semicolons, tabs, vertical bars",
    ),
    Bad("ragged, too few", edited("3.5,", ""), "{path}: line 5 has 2 cells; the header has 3"),
    Bad("ragged, too many", GOOD + "1.5,a,b,c\n", "{path}: line 14 has 4 cells; the header has 3"),
    Bad(
        "ragged after blank lines and a quoted line end",
        GOOD + f'\n\n1.5,"{SECRET}\n",2\n1.5,{SECRET}\n',
        "{path}: line 18 has 2 cells; the header has 3",
    ),
    Bad(
        "Latin-1",
        GOOD.replace("thyme", "Thymi\N{LATIN SMALL LETTER A WITH DIAERESIS}n").encode("latin-1"),
        "{path}: byte 28, in line 2, is no text in UTF-8; save the file as UTF-8",
    ),
    Bad("UTF-16", GOOD.encode("utf-16"), "{path}: byte 1, in line 1, is no text in UTF-8; save the file as UTF-8"),
    Bad(
        "cut within a character",
        GOOD.encode() + "1,\N{EURO SIGN}".encode()[:-1],
        f"{{path}}: byte {len(GOOD) + 3:,}, in line 14, is no text in UTF-8; save the file as UTF-8",
    ),
    Bad(
        "NUL",
        edited("3.5", "3\0"),
        f"{{path}}: byte {GOOD.index('3.5') + 2}, in line 5, is no text in UTF-8; save the file as UTF-8",
    ),
    Bad("names twice", edited("herb", "height"), "{path}: 2 columns are named height; each needs a name of its own"),
    Bad(
        "a column without a name",
        edited("height", " "),
        "{path}: column 1 of 3 has no name in the header; name it, or write the file without its index",
    ),
    Bad(
        "10,000 columns",
        "\n".join([",".join(["label", *(f"c{index}" for index in range(10_000))]), *[",".join(["1"] * 10_001)] * 12]),
        "{path}: 10,000 columns to train on; at most 2,000 can be (--drop some)",
    ),
    Bad(
        "too few rows",
        "\n".join(["height,herb,label", *ROWS[:9]]),
        "{path}: 9 rows are too few; at least 10 are needed",
    ),
    Bad(
        "an open quote at the end",
        GOOD + f'1.5,"{SECRET}',
        "{path}: the row that begins in line 14 does not end; is a quote not closed?",
    ),
    Bad(
        "an open quote in the middle",
        edited("3.5,", '3.5,"'),
        "{path}: the row that begins in line 5 does not end; is a quote not closed?",
    ),
    Bad(
        "an open quote in the last column",
        "label,herb\n" + "0,thyme\n" * 6 + f'1,"{SECRET}\n' + "1,thyme\n" * 6,
        "{path}: the row that begins in line 8 does not end; is a quote not closed?",
    ),
    Bad(
        "a row beyond all bounds",
        edited("3.5", "3" * 600_000),
        "{path}: the row that begins in line 5 does not end; is a quote not closed?",
    ),
    Bad(
        "an unknown ending",
        GOOD,
        "{path}: the name ends with none of .csv, .csv.gz, .tsv, .tsv.gz, .txt, .txt.gz, .parquet, and it is no folder",
        name="plants.xlsx",
    ),
    Bad("no gzip file", GOOD, "{path}: this is no gzip file, or not all of it", name="plants.csv.gz"),
    Bad(
        "half a gzip file",
        gzip.compress(GOOD.encode())[:-20],
        "{path}: this is no gzip file, or not all of it",
        name="plants.csv.gz",
    ),
    Bad(
        "a gzip file with bytes below it",
        gzip.compress(GOOD.encode()) + b"\0" * 8,
        "{path}: the file cannot be unpacked; pack it anew",
        name="plants.csv.gz",
    ),
    Bad("no Parquet file", GOOD, "{path}: this is no Parquet file, or a damaged one", name="plants.parquet"),
    Bad("a Parquet file of nothing", "", "{path}: this is no Parquet file, or a damaged one", name="plants.parquet"),
    Bad(
        "Parquet without rows",
        lambda path: pyarrow.parquet.write_table(pa.table({"label": pa.array([], pa.int64())}), path),
        "{path}: there are columns and no rows",
        name="plants.parquet",
    ),
    Bad(
        "lists in Parquet",
        parquet(lists=[[SECRET]] * 12),
        "{path}: column lists is of type list; numbers, texts and booleans can be trained on (--drop lists)",
        name="plants.parquet",
    ),
    Bad(
        "structs in Parquet",
        parquet(deep=[{"a": SECRET}] * 12),
        "{path}: column deep is of type struct; numbers, texts and booleans can be trained on (--drop deep)",
        name="plants.parquet",
    ),
    Bad(
        "dates in Parquet",
        parquet(day=[date(2026, 1, 1)] * 12),
        "{path}: column day is of type date32[day]; numbers, texts and booleans can be trained on "
        "(--drop day, or --time to split by it)",
        name="plants.parquet",
    ),
    Bad(
        "no Parquet in a folder",
        folder("plants.csv"),
        "{path}: the folder holds no file whose name ends with .parquet",
        name="plants",
    ),
    Bad(
        "a folder of different files",
        folder("a.parquet", "b.parquet"),
        "{path}/b.parquet: its columns are not those of a.parquet, or of other types",
        name="plants",
    ),
]

COLUMNS = [
    Bad(
        "no such target",
        GOOD,
        "{path}: --target names fruit, which is no column; there are height, herb, label",
        choices={"target": "fruit"},
    ),
    *(
        Bad(
            f"no such column for {option}",
            GOOD,
            f"{{path}}: --{option} names fruit, which is no column; there are height, herb, label",
            choices={option: value},
        )
        for option, value in {
            "numeric": ("fruit",),
            "categorical": ("fruit",),
            "drop": ("fruit",),
            "group": "fruit",
            "time": "fruit",
        }.items()
    ),
    Bad(
        "named twice",
        GOOD,
        "{path}: column herb is named by --drop and by --categorical; keep one",
        choices={"drop": ("herb",), "categorical": ("herb",)},
    ),
    Bad(
        "nothing left",
        GOOD,
        "{path}: no column is left to train on beside label",
        choices={"drop": ("herb", "height")},
    ),
    Bad(
        "two ways to split",
        GOOD,
        "only one of --test-data, --group and --time can say which rows are held out",
        choices={"group": "herb", "time": "height"},
    ),
    Bad(
        "all missing",
        column("gap", ["", "NA", "nan", "?"] * 3),
        "{path}: all values of column gap are missing (--drop gap)",
    ),
    Bad(
        "texts among --numeric",
        column("size", ["1"] * 4 + [SECRET] * 2 + ["3"] * 6),
        "{path}: column size is --numeric and has 2 values that are no numbers, the first in line 6",
        choices={"numeric": ("size",)},
    ),
    Bad(
        "infinite",
        column("size", ["1"] * 4 + ["-inf"] + ["3"] * 7),
        "{path}: column size, line 6: the number is infinite, or too large for float32 (3.4e38)",
    ),
    Bad(
        "beyond float32",
        column("size", ["1"] * 4 + ["3.5e38"] + ["3"] * 7),
        "{path}: column size, line 6: the number is infinite, or too large for float32 (3.4e38)",
    ),
    Bad(
        "a target with holes",
        GOOD + f"1.5,{SECRET},\n2.5,{SECRET},NA\n",
        "{path}: 2 rows lack the target label, the first in line 14; remove rows without it",
    ),
    Bad(
        "a target with one class",
        column("same", [SECRET] * 12),
        "{path}: the target same is the same in all rows; there is nothing to learn",
        choices={"target": "same"},
    ),
    Bad(
        "a class of one row",
        column("kind", ["a"] * 11 + ["b"]),
        "{path}: the target kind has 1 class with a single row, in line 13, which cannot be both trained and "
        "scored on; remove it, or add rows",
        choices={"target": "kind"},
    ),
    Bad(
        "classes of one row",
        column("kind", ["a"] * 10 + ["b", "c"]),
        "{path}: the target kind has 2 classes with a single row, the first in line 12, which cannot be both trained "
        "and scored on; remove them, or add rows",
        choices={"target": "kind"},
    ),
    Bad(
        "one row held out",
        column("kind", ["a", "b", "c"] * 4),
        "{path}: the target kind has 3 classes and 1 held-out row; choose another --held-out share",
        choices={"target": "kind", "held_out": 0.05},
    ),
    Bad(
        "all missing, with a space in the name",
        column("sign-up date", [""] * 12),
        "{path}: all values of column sign-up date are missing (--drop 'sign-up date')",
    ),
    Bad(
        "more classes than rows held out",
        column("kind", ["a", "b", "c", "d"] * 3),
        "{path}: the target kind has 4 classes and 3 held-out rows; choose another --held-out share",
        choices={"target": "kind", "held_out": 0.25},
    ),
    Bad(
        "regression on texts",
        GOOD,
        "{path}: the target herb is one of texts because of 12 values that are no numbers, the first in line 2; "
        "regression needs numbers",
        choices={"target": "herb", "task": "regression"},
    ),
    Bad(
        "regression on booleans",
        column("yes", ["true", "False"] * 6),
        "{path}: the target yes is true or false; regression needs numbers",
        choices={"target": "yes", "task": "regression"},
    ),
    Bad(
        "classes that are not whole",
        GOOD,
        "{path}: the target height has numbers that are not whole, or beyond 2^53; classes are texts or whole numbers",
        choices={"target": "height", "task": "classification"},
    ),
]


def many(cells: list[str]) -> str:
    return "\n".join(["many,label", *(f"{cell},{index % 2}" for index, cell in enumerate(cells))])


def some(cells: list[str]) -> str:
    return "\n".join(["many,height,label", *(f'"{cell}",{index},{index % 2}' for index, cell in enumerate(cells))])


TEXTS = [
    Bad(
        "texts that are no categories",
        some([f"{SECRET} {index}" for index in range(2_000)]),
        "{path}: column many has more than 1,000 different texts in 2,000 rows, which are no categories (--drop many)",
    ),
    Bad(
        "nearly every row a text of its own",
        some([f"{SECRET} {index}" for index in range(60)]),
        "{path}: column many has 60 different texts in 60 rows, which are no categories "
        "(--drop many, or --categorical many to keep it)",
    ),
    Bad(
        "too many even if told",
        some([f"{index}" for index in range(1_001)]),
        "{path}: column many has more than 1,000 different texts in 1,001 rows, which are no categories (--drop many)",
        choices={"categorical": ("many",)},
    ),
    Bad(
        "dates",
        some([f"2026-01-{day:02}" for day in range(1, 29)] + [f"2026-02-{day:02} 10:00:00" for day in range(1, 29)]),
        "{path}: column many has 56 different texts in 56 rows, which are no categories; they look like dates, which "
        "can split the rows (--time) but not be trained on (--drop many, or --categorical many to keep it)",
    ),
    Bad(
        "decimal commas",
        some([f"{index},5" for index in range(60)]),
        "{path}: column many has 60 different texts in 60 rows, which are no categories; they look like numbers with a "
        "comma, and a plain one with a point is expected (--drop many, or --categorical many to keep it)",
    ),
    Bad(
        "numbers but for one",
        some([f"{index}.25" for index in range(1_500)] + [SECRET]),
        "{path}: column many is one of texts because of 1 value that is no number, in line 1,502, and has more than "
        "1,000 different texts; mend the file, or --drop many",
    ),
    Bad(
        "classes that are texts, too many",
        some([f"{SECRET} {index}" for index in range(1_001)] * 2),
        "{path}: the target many is one of texts because of 2,002 values that are no numbers, the first in line 2; "
        "there are more than 1,000 classes",
        choices={"target": "many"},
    ),
    Bad(
        "classes that are numbers, too many",
        some([f"{index}" for index in range(1_001)] * 2),
        "{path}: the target many has more than 1,000 classes; leave --task classification away for regression",
        choices={"target": "many", "task": "classification"},
    ),
]

SPLITS = [
    Bad(
        "one group",
        column("team", [SECRET] * 12),
        "{path}: column team holds one group; at least two are needed to hold one out",
        choices={"group": "team"},
    ),
    Bad(
        "one time",
        column("day", ["2026-01-01"] * 12),
        "{path}: column day holds too few different times to hold the newest rows out",
        choices={"time": "day"},
    ),
    Bad(
        "times that are none",
        column("day", ["2026-01-01"] * 6 + [SECRET] * 6),
        "{path}: column day, line 8: a number, an ISO date or an ISO timestamp was expected, the same in every row",
        choices={"time": "day"},
    ),
    Bad(
        "times that are missing",
        column("day", ["2026"] * 6 + [""] * 6),
        "{path}: column day, line 8: a number, an ISO date or an ISO timestamp was expected, the same in every row",
        choices={"time": "day"},
    ),
    Bad(
        "a class that is only held out",
        column("day", ["2025"] * 9 + ["2026"] * 3).replace(f"11.5,{SECRET},2", f"11.5,{SECRET},5"),
        "{path}: the target label has 1 class only among the held-out rows; each must be trained on",
        choices={"time": "day"},
    ),
    Bad(
        "lists as groups",
        parquet(lists=[[SECRET]] * 12),
        "{path}: column lists is of type list, which cannot split the rows",
        name="plants.parquet",
        choices={"group": "lists"},
    ),
]


def write(path: Path, content: str | bytes | Callable[[Path], object]) -> None:
    if callable(content):
        content(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("bad", [*FILES, *COLUMNS, *TEXTS, *SPLITS], ids=lambda bad: bad.case)
def test_what_is_wrong_is_told_in_one_sentence_without_a_value(bad: Bad, tmp_path: Path) -> None:
    path = tmp_path / bad.name
    write(path, bad.content)

    with pytest.raises(BadData) as refused:
        read_table(path, Choices(**{"target": "label"} | bad.choices))

    assert str(refused.value) == bad.says.format(path=path)
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


TEST_FILES = [
    Bad("not there", lambda _: None, "{path}: there is no such file or folder"),
    Bad(
        "a column lacks",
        GOOD.replace("height,herb", "size,grass"),
        "{path}: column height and 1 more that the model takes are missing",
    ),
    Bad("the target lacks", edited("label", "kind"), "{path}: column label that the model takes is missing"),
    Bad(
        "a target with a hole",
        edited(",2\n", ",\n"),
        "{path}: 1 row lacks the target label, the first in line 4; remove rows without it",
    ),
    Bad(
        "a text among numbers",
        edited("3.5", SECRET),
        "{path}: column height, line 5: a number was expected",
    ),
]


@pytest.mark.parametrize("bad", TEST_FILES, ids=lambda bad: bad.case)
def test_what_is_wrong_with_test_data_is_told_of_the_test_data(bad: Bad, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(GOOD)
    path = tmp_path / "test.csv"
    write(path, bad.content)

    with pytest.raises(BadData) as refused:
        read_table(tmp_path / "train.csv", Choices("label", test_data=path))

    assert str(refused.value) == bad.says.format(path=path)


def test_a_class_that_only_the_test_data_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(GOOD)
    (tmp_path / "test.csv").write_text(edited(",2\n", ",7\n"))

    with pytest.raises(BadData) as refused:
        read_table(tmp_path / "train.csv", Choices("label", test_data=tmp_path / "test.csv"))

    assert str(refused.value) == (
        f"{tmp_path}/train.csv: the target label has a class in 1 row of {tmp_path}/test.csv that no row to train on "
        "has, in line 4; remove it there, or add such rows here"
    )


def test_rows_for_known_columns_need_these_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(GOOD)

    with pytest.raises(BadData) as refused:
        read_rows(path, [Field("height"), Field("width")])

    assert str(refused.value) == f"{path}: column width that the model takes is missing"


@pytest.mark.parametrize("rows", [ROWS[:-1], [*ROWS, *ROWS]], ids=["fewer", "more"])
def test_a_file_that_changes_between_the_two_readings_is_refused(rows: list[str], tmp_path: Path) -> None:
    path = tmp_path / "plants.csv"
    path.write_text(GOOD)
    source = open_source(path)
    path.write_text("\n".join(["height,herb,label", *rows]))

    with pytest.raises(BadData) as refused:
        fill(source, [Values(Field("height"), np.empty(12))], 12)

    assert str(refused.value) == f"{path}: the file changed while it was read; it had 12 rows and has {len(rows)}"


def test_the_messages_in_the_docs_are_those_that_are_given() -> None:
    page = (Path(__file__).parents[4] / "docs/data.md").read_text()
    told = re.findall(r"^- `(plants.csv: .*)`$", page, re.MULTILINE)

    assert len(told) >= 8
    assert set(told) <= {bad.says.replace("{path}", "plants.csv") for bad in [*FILES, *COLUMNS, *TEXTS, *SPLITS]}
