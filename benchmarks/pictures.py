"""The plots of README.md, made from stored results alone."""

from benchmarks.contenders import BY_NAME, COPSE, LIMITS
from benchmarks.figures import Rounds, spread
from benchmarks.plots import Bar, Panel, svg
from benchmarks.series import Series

KINDS = {COPSE: "ours", "imports": "limit", "raw": "limit"} | dict.fromkeys(LIMITS, "limit")


def made(series: Series) -> dict[str, str]:
    """Return every plot by its file's name."""
    return {
        "one-row.svg": svg(_one_row(series), "Requests a second of one row, by server and connections"),
        "many-rows.svg": svg(_many_rows(series), "Rows a second with many rows a request, by server"),
        "footprint.svg": svg(_footprint(series), "Start, memory and installed size, by server"),
    }


def _one_row(series: Series) -> list[Panel]:
    return [
        Panel(
            f"one row a request, {count} connection{'s' if count > 1 else ''}: requests/s",
            [bar for name in series.by_rate() for bar in _bar(BY_NAME[name].title, name, series.rate(name, count))],
        )
        for count in (1, 16, 64)
    ]


def _many_rows(series: Series) -> list[Panel]:
    return [
        Panel(
            f"{size:,} rows a request, 1 CPU: rows/s",
            [
                bar
                for title, server, form, cpus in series.batch_lines()
                if cpus == 1
                for bar in _bar(title, server, series.batch(server, form, size, 1))
            ],
        )
        for size in (1_000, 10_000)
    ]


def _footprint(series: Series) -> list[Panel]:
    names = ["imports", COPSE, *series.peers()]
    titles = {name: BY_NAME[name].title if name in BY_NAME else "bare imports" for name in names}
    sizes = {each.environment: each.size / 1e6 for each in series.results.installed}
    return [
        Panel(
            "start to first answer, 1 CPU: seconds",
            [bar for name in names for bar in _bar(titles[name], name, series.starts(name, 1))],
        ),
        Panel(
            "memory after the first answer, all processes: MB",
            [bar for name in names for bar in _bar(titles[name], name, series.memory(name, "idle"), 1e6)],
        ),
        Panel(
            "installed: MB",
            [Bar(titles[name], sizes[name], KINDS.get(name, "bar")) for name in names if name in sizes],
        ),
    ]


def _bar(title: str, name: str, values: Rounds, unit: float = 1) -> list[Bar]:
    found = spread(values.values())
    return [Bar(title, found.median / unit, KINDS.get(name, "bar"))] if found else []
