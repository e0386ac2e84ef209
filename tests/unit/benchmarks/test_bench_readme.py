"""Tables and plots say what the results say, and those of README.md are made from results.json."""

import re
from pathlib import Path

import pytest

from benchmarks import pictures, tables
from benchmarks.paths import PLOTS, README, RESULTS
from benchmarks.plots import Bar, Panel, svg
from benchmarks.readme import MARKED, renewed
from benchmarks.results import (
    Batch,
    Installed,
    Machine,
    Memory,
    Overload,
    Paced,
    Point,
    Results,
    Start,
    read,
    write,
)
from benchmarks.series import Series

RATES = {"bare": (2_000.0, 200.0), "starlette": (1_000.0, 100.0), "copse": (1_500.0, 90.0), "flask": (10.0, 20.0)}


def point(server: str, connections: int, number: int, rate: float) -> Point:
    return Point(server, "JSON" if server == "flask" else "/predict", connections, number, rate, 1.0, 2.0, 0)


@pytest.fixture
def results() -> Results:
    """Two rounds of the limits, Copse and one peer; in the second round all but the peer was slow."""
    points = [
        point(server, connections, number, rate)
        for server, rates in RATES.items()
        for number, rate in enumerate(rates)
        for connections in (1, 16, 64)
    ]
    return Results(
        Machine("a processor", 2, 2**30, "Linux 6", "3.11.7", "abc", "2026-01-02", 3.0),
        points=points,
        paced=[Paced("starlette", 50, 0, 1, 2, 0), Paced("copse", 50, 0, 1, 4, 0)],
        batches=[Batch("raw", "session.run", 1_000, 1, 0, 500), Batch("copse", "v2 binary", 1_000, 1, 0, 250)],
        starts=[Start("imports", 1, 0, 0.2), Start("copse", 1, 0, 0.3)],
        memory=[Memory("copse", 0, 50_000_000, 40_000_000, 60_000_000, 45_000_000, 1)],
        installed=[Installed("copse", 90_000_000, {"numpy": "2"}), Installed("flask", 100_000_000, {"flask": "3"})],
        overloads=[Overload("copse", 10, 400, 300, 100, 0, 180, 20, 7.0, None)],
        unmeasured={"ray": "cannot be installed: no wheel"},
    )


def row(table: str, first: str) -> list[str]:
    found = [line for line in table.splitlines() if line.startswith(f"| {first} ")]
    assert len(found) == 1, table
    return [cell.strip() for cell in found[0].strip("|").split("|")]


def test_a_share_is_the_median_of_the_shares_of_the_rounds(results: Results) -> None:
    assert row(tables.made(results)["one row"], "Copse")[1] == "795 · 1.20 (0.90 to 1.50) · 2.0"


def test_peers_are_told_from_the_fastest_after_copse(results: Results) -> None:
    results.points += [point("litserve", count, 0, 500.0) for count in (1, 16, 64)]
    titles = [line.split("|")[1].strip() for line in tables.made(results)["one row"].splitlines()[2:]]
    assert titles[2:] == ["Copse", "LitServe, ONNX Runtime", "Flask, joblib, scikit-learn"]


@pytest.mark.parametrize(
    ("figure", "measured", "met"),
    [
        ("one row, 16 connections, share of Starlette's echo", "1.20 (0.90 to 1.50)", "yes"),
        ("one row, 64 connections, times the fastest peer", "77.25 (4.50 to 150.00)", "yes"),
        ("p99 at half of the capacity, times the echo's", "2.00 (2.00 to 2.00)", "no"),
        ("1,000 rows, v2 binary, share of raw session.run, 1 CPU", "0.50 (0.50 to 0.50)", "no"),
        ("start to first answer, times bare imports, 1 CPU", "1.50 (1.50 to 1.50)", "no"),
        ("start to first answer, times bare imports, 2 CPUs", "-", "not measured"),
        ("installed size, times the smallest peer's", "0.90 (0.90 to 0.90)", "yes"),
    ],
)
def test_a_target_says_whether_it_was_met(results: Results, figure: str, measured: str, met: str) -> None:
    assert row(tables.made(results)["targets"], figure)[2:] == [measured, met]


def test_what_was_due_in_overload_came_to_something(results: Results) -> None:
    cells = row(tables.made(results)["overload"], "Copse")
    assert cells[1:] == ["10", "400", "25%", "0%", "45%", "5%", "25%", "7", "none"]


def test_a_peer_that_was_not_measured_is_told_with_its_reason(results: Results) -> None:
    told = "Ray Serve, ONNX Runtime was left out: cannot be installed: no wheel."
    assert told in tables.made(results)["versions"]


def test_results_are_read_as_they_were_written(results: Results, tmp_path: Path) -> None:
    write(results, tmp_path / "results.json")
    assert read(tmp_path / "results.json") == results


def test_renewing_replaces_what_is_between_marks_and_nothing_else(results: Results) -> None:
    text = "before\n<!-- table: machine -->\nold\n<!-- end -->\nafter\n"
    once = renewed(text, results)
    assert once.startswith("before\n<!-- table: machine -->\nMeasured on 2026-01-02 at commit abc")
    assert once.endswith("\n<!-- end -->\nafter\n")
    assert "old" not in once
    assert renewed(once, results) == once


def test_every_table_has_its_place_in_the_readme(results: Results) -> None:
    assert [found["name"] for found in MARKED.finditer(README.read_text())] == list(tables.made(results))


def test_bars_are_as_long_as_their_values_say() -> None:
    picture = svg([Panel("a < b", [Bar("one", 50.0), Bar("two", 100.0, "ours")])], "what")
    assert "a &lt; b" in picture
    short, long = (float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', picture))
    assert long == pytest.approx(2 * short, abs=0.1)


def test_the_readme_and_the_plots_are_made_from_the_stored_results() -> None:
    stored = read(RESULTS)
    assert renewed(README.read_text(), stored) == README.read_text()
    made = pictures.made(Series(stored))
    assert {file.name: file.read_text() for file in PLOTS.iterdir()} == made
