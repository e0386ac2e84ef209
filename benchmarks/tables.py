"""The tables of README.md, made from stored results alone."""

from collections.abc import Callable, Iterable, Sequence

from benchmarks.contenders import BY_NAME, COPSE, STARLETTE
from benchmarks.figures import Rounds, Spread, ratios, spread
from benchmarks.results import Overload, Results
from benchmarks.series import Series, measured
from benchmarks.targets import targets

CONNECTIONS = (1, 16, 64)
SIZES = (1_000, 10_000)
NONE = "-"
MEGABYTE = 1_000_000


def made(results: Results) -> dict[str, str]:
    """Return every table by its name, in Markdown."""
    series = Series(results)
    makers: dict[str, Callable[[Series], str]] = {
        "machine": _machine,
        "targets": targets,
        "one row": _one_row,
        "protocol": _protocol,
        "half": _half,
        "many rows": _many_rows,
        "inference": _inference,
        "footprint": _footprint,
        "overload": _overload,
        "versions": _versions,
    }
    return {name: maker(series) for name, maker in makers.items()}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are numbers."""
    ruler = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ruler, *rows))


def ratio(found: Spread | None) -> str:
    """Return a ratio with its spread over the rounds."""
    return f"{found.median:.2f} ({found.least:.2f} to {found.most:.2f})" if found else NONE


def _machine(series: Series) -> str:
    machine = series.results.machine
    return (
        f"Measured on {machine.date} at commit {machine.commit}, in {machine.minutes:.0f} minutes and {series.rounds} "
        f"rounds, on {machine.cpus} CPUs of {machine.processor}, {machine.memory_bytes / 2**30:.0f} GiB, "
        f"{machine.kernel}, Python {machine.python}."
    )


def _one_row(series: Series) -> str:
    echo = {count: series.rate(STARLETTE, count) for count in CONNECTIONS}
    rows = []
    for name in series.by_rate():
        cells = [BY_NAME[name].title]
        for count in CONNECTIONS:
            rate, p99 = spread(series.rate(name, count).values()), spread(series.p99(name, count).values())
            share = ratios(series.rate(name, count), echo[count])
            cells.append(f"{rate.median:,.0f} · {ratio(share)} · {p99.median:.1f}" if rate and p99 else NONE)
        cells.append(f"{sum(each.failed for each in series.results.points if each.server == name):,}")
        rows.append(cells)
    return table(["server", *(_connections(count) for count in CONNECTIONS), "failed"], rows)


def _connections(count: int) -> str:
    return f"{count} connection{'s' if count > 1 else ''}"


def _protocol(series: Series) -> str:
    rows = []
    for form in series.forms(COPSE):
        copse, echo = (series.rate(name, max(CONNECTIONS), form) for name in (COPSE, STARLETTE))
        rate = spread(copse.values())
        rows.append([form, f"{rate.median:,.0f}" if rate else NONE, ratio(ratios(copse, echo))])
    return table(["form", "requests/s", "share of Starlette's echo of the same bytes"], rows)


def _half(series: Series) -> str:
    rows = []
    for name in (STARLETTE, COPSE):
        p50, p99 = spread(series.paced(name, "p50").values()), spread(series.paced(name, "p99").values())
        failed = sum(each.failed for each in series.results.paced if each.server == name)
        times = ratios(series.paced(name, "p99"), series.paced(STARLETTE, "p99"))
        cells = [f"{each.median:.2f} ({each.least:.2f} to {each.most:.2f})" if each else NONE for each in (p50, p99)]
        rows.append([BY_NAME[name].title, *cells, ratio(times), f"{failed:,}"])
    return table(["server", "p50, ms", "p99, ms", "p99, times the echo's", "failed"], rows)


def _many_rows(series: Series) -> str:
    rows = []
    for title, server, form, cpus in series.batch_lines():
        cells = [title, str(cpus)]
        for size in SIZES:
            rate = series.batch(server, form, size, cpus)
            found = spread(rate.values())
            share = ratios(rate, series.batch("raw", "session.run", size, cpus))
            cells.append(f"{found.median:,.0f} · {ratio(share)}" if found else NONE)
        rows.append(cells)
    return table(["what", "CPUs", *(f"{size:,} rows a request" for size in SIZES)], rows)


def _inference(series: Series) -> str:
    lines = {
        "scikit-learn, predict_proba": ("sklearn", "inference"),
        "Copse, in blocks": (COPSE, "inference"),
        "ONNX Runtime, one session.run": ("raw", "session.run"),
    }
    rows = []
    for title, (server, form) in lines.items():
        cells = [title]
        for cpus in (1, 2):
            rate = series.batch(server, form, 16_384, cpus)
            found = spread(rate.values())
            share = ratios(rate, series.batch("sklearn", "inference", 16_384, cpus))
            cells.append(f"{found.median:,.0f} · {ratio(share)}" if found else NONE)
        rows.append(cells)
    return table(["16,384 rows at once", "1 thread", "2 threads"], rows)


def _footprint(series: Series) -> str:
    rows = []
    for name in ("imports", COPSE, *series.peers()):
        title = BY_NAME[name].title if name in BY_NAME else "bare imports"
        starts = [_seconds(series.starts(name, cpus)) for cpus in (1, 2)]
        fields = ("idle", "idle_proportional", "loaded", "loaded_proportional")
        memory = [_megabytes(series.memory(name, each)) for each in fields]
        processes = spread(series.memory(name, "processes").values())
        size, count = series.installed(name)
        counted = f"{processes.median:.0f}" if processes else NONE
        rows.append([title, *starts, " / ".join(memory[:2]), " / ".join(memory[2:]), counted, size, count])
    return table(
        [
            "server",
            "first answer, s, 1 CPU",
            "2 CPUs",
            "memory idle, MB (RSS / PSS)",
            "under load",
            "processes",
            "installed, MB",
            "packages",
        ],
        rows,
    )


def _seconds(values: Rounds) -> str:
    found = spread(values.values())
    return f"{found.median:.2f} ({found.least:.2f} to {found.most:.2f})" if found else NONE


def _megabytes(values: Rounds) -> str:
    found = spread(values.values())
    return f"{found.median / MEGABYTE:,.0f}" if found else NONE


def _overload(series: Series) -> str:
    outcomes = ["answered rightly", "wrong", "refused", "failed", "not sent"]
    header = ["server", "capacity, requests/s", "due", *outcomes, "p99, ms", "one answer after it, s"]
    return table(header, [_overloaded(each) for each in series.results.overloads])


def _overloaded(found: Overload) -> list[str]:
    outcomes = (found.right, found.wrong, found.refused, found.failed, found.due - found.sent)
    shares = [f"{count / max(1, found.due):.0%}" for count in outcomes]
    after = f"{found.seconds_after:.2f}" if found.seconds_after is not None else "none"
    title = BY_NAME[found.server].title
    return [title, f"{found.capacity:,.0f}", f"{found.due:,}", *shares, f"{found.p99:,.0f}", after]


def _versions(series: Series) -> str:
    rows = []
    for each in series.results.installed:
        told = [f"{name} {each.versions[name]}" for name in measured(each.environment) if name in each.versions]
        rows.append([BY_NAME[each.environment].title, BY_NAME[each.environment].how, ", ".join(told)])
    unmeasured = [f"\n{BY_NAME[name].title} was left out: {why}." for name, why in series.results.unmeasured.items()]
    return table(["server", "how it is served", "versions"], rows).replace("---:", "---") + "\n".join(["", *unmeasured])
