"""What it costs to be seen is told as shares within a round, and as it is stored."""

from benchmarks.observed import CONNECTIONS, MARKED, OBSERVED, VARIANTS, renewed
from benchmarks.paths import README
from benchmarks.results import Machine, Point, Results, read


def test_a_share_is_of_the_same_round() -> None:
    machine = Machine("a processor", 2, 2**30, "Linux 6", "3.11.7", "abc", "2026-01-02", 3.0)
    rates = dict.fromkeys(VARIANTS, (100.0, 1000.0)) | {"default": (90.0, 800.0)}
    points = [
        Point(name, "/predict", count, number, rate, 1.0, 2.0, 0)
        for name, both in rates.items()
        for count in CONNECTIONS
        for number, rate in enumerate(both)
    ]
    text = renewed("before\n<!-- observed -->\nold\n<!-- end observed -->\nafter\n", Results(machine, points=points))

    assert text.startswith("before\n<!-- observed -->\nMeasured on 2026-01-02 at commit abc")
    assert text.endswith("\n<!-- end observed -->\nafter\n")
    assert "old" not in text
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {VARIANTS['default'][0]} ")]
    assert line.count("445 · 0.85 (0.80 to 0.90)") == len(CONNECTIONS)


def test_the_table_of_the_readme_is_made_from_the_stored_results() -> None:
    assert len(MARKED.findall(README.read_text())) == 1
    assert renewed(README.read_text(), read(OBSERVED)) == README.read_text()
