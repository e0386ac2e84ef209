"""What a table becomes: types, missing values, targets, splits, and what is said of them."""

import gzip
import io
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from train.data import TrainingData
from train.schema import Field, Rows
from train.tables import Choices, read_rows, read_table
from train.tables.csv_file import BLOCK_BYTES

nan = np.nan
LABELS = [index % 2 for index in range(12)]


def table_file(folder: Path, name: str = "table.csv", separator: str = ",", **columns: Any) -> Path:
    """Write columns as they are given; each line ends with a label of 0 or 1."""
    whole = {**columns} if "label" in columns else columns | {"label": LABELS}
    lines = [separator.join(whole), *(separator.join(map(str, row)) for row in zip(*whole.values(), strict=True))]
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def read(folder: Path, target: str = "label", choices: dict[str, Any] | None = None, **columns: Any) -> TrainingData:
    return read_table(table_file(folder, **columns), Choices(target, **(choices or {})))


def same(found: Rows, expected: list[Any]) -> bool:
    return bool(np.array_equal(found, np.array(expected, dtype=np.float32), equal_nan=True))


def categories(data: TrainingData) -> list[tuple[str, ...] | None]:
    return [field.categories for field in data.schema.fields]


def notes(capsys: pytest.CaptureFixture[str], name: str) -> str:
    """Return what is said of a column, without its name."""
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    return next(" ".join(line[1].split()) for line in lines if line[0] == name)


def test_columns_keep_their_order_and_lose_target_and_dropped_ones(tmp_path: Path) -> None:
    data = read(tmp_path, choices={"drop": ("b",)}, z=[*range(12)], b=["x"] * 12, a=["u", "v"] * 6)

    assert data.schema.names == ["z", "a"]
    assert categories(data) == [None, ("u", "v")]
    assert data.rows.dtype == np.float32
    assert data.rows[:3].tolist() == [[0, 0], [1, 1], [2, 0]]
    assert (data.name, data.target) == ("table", "label")


def test_numbers_are_read_in_every_usual_form(tmp_path: Path) -> None:
    forms = ["1", " 2 ", "+3", "-4", ".5", "6.", "7e1", "8E-1", "09", "1e-50", "3.4e38", '"12"']
    data = read(tmp_path, x=forms)

    assert data.rows[:, 0].tolist() == [float(np.float32(form.strip('"'))) for form in forms]


@pytest.mark.parametrize("cell", ["1_000", "0x10", "1,5", "\N{ARABIC-INDIC DIGIT ONE}", "1 2", "1d", "--1"])
def test_what_only_looks_like_a_number_is_a_text(cell: str, tmp_path: Path) -> None:
    data = read(tmp_path, x=[f'"{cell}"', *["1"] * 11])

    assert data.schema.fields[0].categories == tuple(sorted(["1", cell]))


@pytest.mark.parametrize(
    "mark", ["", " ", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-nan", "null", "None", "?", "Na "]
)
def test_a_missing_number_is_nan_and_a_missing_text_is_the_empty_text(mark: str, tmp_path: Path) -> None:
    data = read(tmp_path, x=[mark, *range(11)], text=[mark, *["b", "a"] * 5, "b"])

    assert np.isnan(data.rows[0, 0])
    assert not np.isnan(data.rows[1:]).any()
    assert data.schema.fields[1].categories == ("", "a", "b")
    assert data.rows[:3, 1].tolist() == [0, 2, 1]


def test_texts_lose_the_spaces_around_them(tmp_path: Path) -> None:
    assert categories(read(tmp_path, x=["red ", " red", '" blue"'] * 4)) == [("blue", "red")]


def test_booleans_are_one_and_zero_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = read(tmp_path, x=["true", "False", "TRUE", ""] * 3)

    assert categories(data) == [None]
    assert same(data.rows[:4, 0], [1, 0, 1, nan])
    assert notes(capsys, "x") == "numbers 25.0% 0 to 1 true is 1, false is 0"


def test_a_column_of_numbers_but_for_a_few_texts_is_of_texts_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = read(tmp_path, x=[1, 2, "unknown", 1, 2, "unknown", 1, 2, 1, 2, 1, 2])

    assert categories(data) == [("1", "2", "unknown")]
    said = notes(capsys, "x")
    assert "texts because of 2 values that are no numbers, the first in line 4" in said
    assert "unknown" not in said


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["1,5", "2,7"], "they look like numbers with a comma"),
        (["1.000,5", "2"], "they look like numbers with a comma"),
        (["1 000", "2 500"], "they look like numbers with signs, spaces or commas"),
        (["$5", "-$1,200.50"], "they look like numbers with signs, spaces or commas"),
        (["5 %", "7%"], "they look like numbers with signs, spaces or commas"),
        (["555-1234", "10.0.0.1"], ""),
        (["1,5", "mint"], ""),
    ],
)
def test_texts_that_look_like_numbers_are_told(
    cells: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read_table(table_file(tmp_path, separator=";", x=cells * 12, label=LABELS * 2), Choices("label"))

    assert notes(capsys, "x") == " ".join(f"texts - 2 texts {says}".split())


def test_types_can_be_told(tmp_path: Path) -> None:
    choices = {"categorical": ("code",), "numeric": ("size",)}
    data = read(tmp_path, choices=choices, code=["01", "1", "1.0"] * 4, size=["1", "2", ""] * 4)

    assert categories(data) == [("01", "1", "1.0"), None]


def test_told_to_be_categories_nearly_every_row_may_be_its_own(tmp_path: Path) -> None:
    cells = [f"text {index:02}" for index in range(60)]
    data = read(tmp_path, choices={"categorical": ("x",)}, x=cells, label=[0, 1] * 30)

    assert categories(data) == [tuple(cells)]


def test_what_is_worth_saying_of_a_column_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns: dict[str, Any] = {
        "constant": [7] * 24,
        "large": [2**24, 2**24 + 1, 2**24 + 3, -(2**24) - 1] * 6,
        "rare": ["a"] * 22 + ["b", "c"],
        "day": ["2026-01-01", "2026-01-02"] * 12,
        "label": LABELS * 2,
    }
    read(tmp_path, **columns)
    said = capsys.readouterr().out

    assert "table.csv: 24 rows, 5 columns (" in said
    lines = {line.split()[0]: " ".join(line.split()) for line in said.splitlines()}
    assert lines["constant"].endswith("7 to 7 one value only")
    assert lines["large"].endswith("18 whole numbers beyond 16,777,216 rounded")
    assert lines["rare"].endswith("3 texts 2 in fewer than 10 rows")
    assert lines["day"].endswith("they look like dates")


def test_of_many_columns_only_those_with_notes_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns: dict[str, Any] = {f"c{index}": [*range(12)] for index in range(50)}
    read(tmp_path, **columns, herb=["mint", "sage", "dill"] * 4, same=[1] * 12)
    said = capsys.readouterr().out

    assert "51 columns of numbers, 1 column of texts" in said
    assert [line.split()[0] for line in said.splitlines()[2:5]] == ["column", "herb", "same"]
    assert " c1 " not in said


def test_classes_and_their_balance_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read(tmp_path, x=[*range(12)], label=["mint"] * 9 + ["sage"] * 3)

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[-4:] == ["target label: classification, 2 classes", "class rows share", "mint 9 75.0%", "sage 3 25.0%"]


def test_of_many_classes_the_first_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read(tmp_path, x=[*range(150)], label=[f"class {index // 5:02}" for index in range(150)])

    assert capsys.readouterr().out.splitlines()[-1].strip() == "and 10 more"


@pytest.mark.parametrize(
    ("cells", "task", "classes", "names"),
    [
        (["b", "a"] * 6, None, ["a", "b"], ["a", "b"]),
        ([5, -3, 5] * 4, None, [-3, 5], ["-3", "5"]),
        (["5.0", "3"] * 6, None, [3, 5], ["3", "5"]),
        (["true", "False"] * 6, None, [0, 1], ["false", "true"]),
        ([*range(20)] * 5, None, [*range(20)], [str(each) for each in range(20)]),
        ([*range(21)] * 5, None, [], []),
        ([*range(21)] * 5, "classification", [*range(21)], [str(each) for each in range(21)]),
        ([1, 0] * 6, "regression", [], []),
        ([1.5, 0.5] * 6, None, [], []),
    ],
)
def test_the_target_decides_between_classes_and_regression_unless_told(
    cells: list[Any], task: str | None, classes: list[Any], names: list[str], tmp_path: Path
) -> None:
    data = read(tmp_path, choices={"task": task}, x=[*range(len(cells))], label=cells)

    assert (data.classes, data.class_names) == (classes, names)
    if not classes:
        assert data.targets.dtype == np.float64
        assert data.targets.tolist() == cells
    elif isinstance(classes[0], str):
        assert data.targets.tolist() == cells
    else:
        assert data.targets.dtype == np.int64
        assert set(data.targets.tolist()) == set(classes)


def test_a_regression_target_keeps_float64(tmp_path: Path) -> None:
    values = [0.1 + index for index in range(12)]

    assert read(tmp_path, x=[*range(12)], label=values).targets.tolist() == values


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_another_separator_is_found_and_said(
    separator: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table_file(tmp_path, "table.csv", separator, **{"a,b": [1, 2] * 6, "c": ["x", "y"] * 6})

    assert read_table(path, Choices("label")).schema.names == ["a,b", "c"]
    assert f"3 columns, separated by {name} (" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.rstrip().encode(),
        lambda text: ("\n\n" + text.replace("\n", "\n\n")).encode(),
        lambda text: text.replace("x,", '"x"  ,', 1).encode(),
    ],
    ids=["byte order mark", "CRLF", "CR", "no last line end", "blank lines", "quoted name and spaces"],
)
def test_the_same_rows_in_another_dress_are_the_same_data(change: Any, tmp_path: Path) -> None:
    path = table_file(tmp_path, x=[*range(12)], herb=["mint", "salvia officinalis"] * 6)
    plain = read_table(path, Choices("label"))
    path.write_bytes(change(path.read_text()))

    assert read_table(path, Choices("label")).sha256() == plain.sha256()


def test_quoted_cells_may_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    data = read(tmp_path, x=['"a,b"', '"a""b"', '"a\nb"'] * 4)

    assert categories(data) == [("a\nb", 'a"b', "a,b")]


def test_rows_of_several_lines_are_whole_wherever_the_reader_parts_the_file(tmp_path: Path) -> None:
    rows = 120_000
    data = read(tmp_path, x=['"a\nb\n\nc"', '"a\nb"'] * (rows // 2), label=LABELS[:2] * (rows // 2))

    assert (tmp_path / "table.csv").stat().st_size > 2 * BLOCK_BYTES
    assert data.rows[:, 0].tolist() == [1, 0] * (rows // 2)


def test_a_quote_within_a_cell_needs_no_partner(tmp_path: Path) -> None:
    assert categories(read(tmp_path, x=['5" pipe', *["hose"] * 11])) == [('5" pipe', "hose")]


def test_a_gzipped_file_is_the_same_data(tmp_path: Path) -> None:
    path = table_file(tmp_path, x=[*range(12)])
    packed = tmp_path / "table.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))

    assert read_table(packed, Choices("label")).sha256() == read_table(path, Choices("label")).sha256()
    assert read_table(packed, Choices("label")).name == "table"


def parquet(path: Path, **columns: Any) -> Path:
    pyarrow.parquet.write_table(pa.table(columns | {"label": LABELS}), path)
    return path


def test_parquet_types_are_kept(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "table.parquet",
        small=pa.array([1, None] * 6, pa.int8()),
        half=pa.array(np.arange(12, dtype=np.float16)),
        exact=pa.array([Decimal("1.25")] * 12),
        yes=[True, False, None] * 4,
        digits=["1", "2"] * 6,
        herb=pa.array(["mint", None, "NA", ""] * 3).dictionary_encode(),
        long=pa.array(["mint", "sage"] * 6, pa.large_string()),
    )
    data = read_table(path, Choices("label"))

    texts = [("1", "2"), ("", "NA", "mint"), ("mint", "sage")]
    assert categories(data) == [None, None, None, None, *texts]
    assert same(data.rows[2], [1, 2, 1.25, nan, 0, 1, 0])
    assert same(data.rows[1], [nan, 1, 1.25, 0, 1, 0, 1])


def test_parquet_numbers_can_be_categories_and_texts_numbers(tmp_path: Path) -> None:
    path = parquet(tmp_path / "table.parquet", code=[7, 10, 9] * 4, digits=["1", "2.5"] * 6)
    data = read_table(path, Choices("label", categorical=("code",), numeric=("digits",)))

    assert categories(data) == [("10", "7", "9"), None]
    assert data.rows[1].tolist() == [0, 2.5]


def test_true_and_false_as_texts_in_parquet_are_not_called_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = read_table(parquet(tmp_path / "table.parquet", x=["True", "False"] * 6), Choices("label"))

    assert categories(data) == [("False", "True")]
    assert notes(capsys, "x") == "texts - 2 texts true and false as texts; 2 in fewer than 10 rows"


def test_a_folder_of_parquet_files_is_one_table_in_the_order_of_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    parquet(folder / "b.parquet", x=[2.0] * 12)
    parquet(folder / "a.parquet", x=[1] * 12)  # whole numbers, and numbers: both are numbers
    (folder / "_SUCCESS").touch()
    data = read_table(folder, Choices("label"))

    assert data.rows[:, 0].tolist() == [1] * 12 + [2] * 12
    assert data.name == "parts"
    assert "parts: 24 rows, 2 columns, 2 files (" in capsys.readouterr().out


def test_test_data_is_held_out_and_adds_no_category(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = table_file(tmp_path, "test.csv", herb=["sage", "dill", ""], label=[1, 0, 1], extra=["z"] * 3, x=[5, "", 6])
    data = read(tmp_path, choices={"test_data": test}, x=[*range(12)], herb=["mint", "sage"] * 6)

    assert data.held_out is not None
    assert data.held_out.tolist() == [False] * 12 + [True] * 3
    assert same(data.rows[12:], [[5, 1], [nan, 2], [6, 2]])
    assert data.targets[12:].tolist() == [1, 0, 1]
    assert categories(data) == [None, ("mint", "sage")]
    assert f"held out 3 rows, 20.0%: those of {test}" in capsys.readouterr().out


def test_classes_are_counted_without_those_of_the_test_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = table_file(tmp_path, "test.csv", x=[1, 2, 3], label=[1, 1, 1])
    read(tmp_path, choices={"test_data": test}, x=[*range(12)])

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "target label: classification, 2 classes (3 rows of the test data not counted)" in lines
    assert {"0 6 50.0%", "1 6 50.0%"} < set(lines)


def test_test_data_that_was_trained_on_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns: dict[str, Any] = {"x": [*range(11), ""], "herb": ["mint", "sage", ""] * 4}
    path = table_file(tmp_path, **columns)
    some = {name: cells[9:] for name, cells in columns.items()}
    for test, says in {
        path: "the test data is the training data: the score says nothing",
        table_file(tmp_path, "some.csv", **some, label=LABELS[9:]): "all rows of the test data are rows of the",
        table_file(tmp_path, "other.csv", **some, label=[1, 1, 1]): None,
        table_file(tmp_path, "new.csv", **some | {"x": [9, 10, 11]}, label=LABELS[9:]): None,
    }.items():
        read_table(path, Choices("label", test_data=test))
        last = capsys.readouterr().out.splitlines()[-1].strip()
        assert last.startswith(says or "held out")


def test_groups_stay_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    owners = [f"owner {index % 6}" for index in range(24)]
    data = read(tmp_path, choices={"group": "owner"}, x=[*range(24)], owner=owners, label=[0, 0, 0, 1, 1, 1] * 4)

    assert data.held_out is not None
    held = {owner for owner, out in zip(owners, data.held_out, strict=True) if out}
    fitted = {owner for owner, out in zip(owners, data.held_out, strict=True) if not out}
    assert held
    assert not held & fitted
    assert data.schema.names == ["x"]
    assert "held out 8 rows, 33.3%: all rows of some groups of owner" in capsys.readouterr().out


@pytest.mark.parametrize(
    "moments",
    [
        [float(index) for index in range(12)],
        [date(2026, 1, 28) + timedelta(index) for index in range(12)],
        [datetime(2026, 1, 1, 22, tzinfo=UTC) + timedelta(hours=index) for index in range(12)],
        [datetime(2026, 1, 1, 22) + timedelta(microseconds=index) for index in range(12)],  # noqa: DTZ001 - as in files
    ],
    ids=["numbers", "dates", "with zone", "microseconds"],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_newest_rows_are_held_out(moments: list[Any], ending: str, tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(12)
    when = [moments[index] for index in order]
    if ending == "csv":
        path = table_file(tmp_path, x=[*range(12)], when=when)
    else:
        path = parquet(tmp_path / "table.parquet", x=[*range(12)], when=when)
    data = read_table(path, Choices("label", task="regression", time="when"))

    assert data.held_out is not None
    assert data.held_out.tolist() == [index >= 9 for index in order]  # ceil(12 * 0.2)
    assert data.schema.names == ["x"]


def test_times_are_of_utc_unless_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()  # on 8 March 2026 the hour after 2:00 is left out there
    early, late = "2026-03-08 02:30", "2026-03-08T03:10Z"
    data = read(tmp_path, choices={"time": "when", "held_out": 0.5}, x=[*range(12)], when=[late] * 6 + [early] * 6)
    monkeypatch.undo()
    time.tzset()

    assert data.held_out is not None
    assert data.held_out.tolist() == [True] * 6 + [False] * 6


def test_rows_of_one_time_are_not_parted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = read(tmp_path, choices={"time": "year"}, x=[*range(12)], year=[2024] * 6 + [2025] * 6)

    assert data.held_out is not None
    assert data.held_out.tolist() == [False] * 6 + [True] * 6
    assert "held out 6 rows, 50.0%: the newest by year" in capsys.readouterr().out


def test_rows_for_known_columns_are_coded_in_the_order_of_the_columns(tmp_path: Path) -> None:
    path = table_file(tmp_path, other=["z"] * 2, herb=["sage", "dill"], x=["", "true"], label=[0, 1])
    rows = read_rows(path, [Field("x"), Field("herb", ("mint", "sage"))])

    assert rows.dtype == np.float32
    assert same(rows, [[nan, 1], [1, 2]])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table_file(tmp_path, x=[*range(12)])
    for screen, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", screen)
        read_table(path, Choices("label"))
        assert ("read     table.csv" in screen.getvalue()) == shown
