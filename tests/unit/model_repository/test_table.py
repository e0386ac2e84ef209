"""The table for terminals."""

from model_repository.table import table


def test_text_stands_left_numbers_right_and_what_is_unknown_is_a_dash() -> None:
    text = table(["name", "rows", "share"], [["a", 12345, 0.98765], ["longer", 7, None]])
    assert text.splitlines() == [
        "name      rows  share",
        "a       12,345  0.988",
        "longer       7      -",
    ]


def test_a_table_without_rows_is_its_head() -> None:
    assert table(["name", "rows"], []) == "name  rows"
