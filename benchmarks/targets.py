"""What Copse must show, and whether this run showed it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.contenders import COPSE, STARLETTE
from benchmarks.figures import Rounds, Spread, ratios, spread
from benchmarks.series import Series


@dataclass(frozen=True)
class Target:
    """A figure, what is wanted of it, and what was measured."""

    what: str
    wanted: float
    found: Spread | None
    at_most: bool = False

    def line(self) -> str:
        """Return the row of a table."""
        bound = f"at {'most' if self.at_most else 'least'} {self.wanted:g}"
        if not self.found:
            return f"| {self.what} | {bound} | - | not measured |"
        met = self.found.median <= self.wanted if self.at_most else self.found.median >= self.wanted
        value = f"{self.found.median:.2f} ({self.found.least:.2f} to {self.found.most:.2f})"
        return f"| {self.what} | {bound} | {value} | {'yes' if met else 'no'} |"


def targets(series: Series) -> str:
    """Return the table of all targets."""
    lines = ["| figure | wanted | measured | met |", "| --- | --- | ---: | --- |"]
    makers: tuple[Callable[[Series], Iterator[Target]], ...] = (_small, _large, _start, _least)
    return "\n".join([*lines, *(target.line() for maker in makers for target in maker(series))])


def _small(series: Series) -> Iterator[Target]:
    for connections, wanted in ((1, 0.9), (16, 1.0), (64, 1.0)):
        found = ratios(series.rate(COPSE, connections), series.rate(STARLETTE, connections))
        yield Target(f"one row, {connections} connection{_s(connections)}, share of Starlette's echo", wanted, found)
    for connections in (1, 16, 64):
        rates = [series.rate(name, connections) for name in series.peers()]
        found = ratios(series.rate(COPSE, connections), _best(rates))
        yield Target(f"one row, {connections} connection{_s(connections)}, times the fastest peer", 2, found)
    times = ratios(series.paced(COPSE, "p99"), series.paced(STARLETTE, "p99"))
    yield Target("p99 at half of the capacity, times the echo's", 1.5, times, at_most=True)


def _large(series: Series) -> Iterator[Target]:
    for form, wanted in (("v2 binary", 0.95), ("/predict", 0.6), ("v2 JSON", 0.6)):
        for rows in (1_000, 10_000):
            found = ratios(series.batch(COPSE, form, rows, 1), series.batch("raw", "session.run", rows, 1))
            yield Target(f"{rows:,} rows, {form}, share of raw session.run, 1 CPU", wanted, found)
    for rows in (1_000, 10_000):
        peers = [_of(series, name, rows) for name in series.peers()]
        found = ratios(series.batch(COPSE, "/predict", rows, 1), _best(peers))
        yield Target(f"{rows:,} rows, /predict, times the fastest peer, 1 CPU", 1, found)
    for threads in (1, 2):
        copse, sklearn = (series.batch(name, "inference", 16_384, threads) for name in (COPSE, "sklearn"))
        yield Target(
            f"16,384 rows, inference alone, times scikit-learn, {threads} thread{_s(threads)}",
            1,
            ratios(copse, sklearn),
        )


def _start(series: Series) -> Iterator[Target]:
    for cpus in (1, 2):
        found = ratios(series.starts(COPSE, cpus), series.starts("imports", cpus))
        yield Target(f"start to first answer, times bare imports, {cpus} CPU{_s(cpus)}", 1.3, found, at_most=True)
    found = ratios(series.memory(COPSE, "idle"), series.memory("imports", "idle"))
    yield Target("memory after load, times bare imports", 1.15, found, at_most=True)


def _least(series: Series) -> Iterator[Target]:
    """Compare what is installed with the least of the peers."""
    installed = {each.environment: each for each in series.results.installed}
    peers = [each for name, each in installed.items() if name != COPSE]
    if COPSE not in installed or not peers:
        return
    sizes = spread([installed[COPSE].size / min(each.size for each in peers)])
    counts = spread([len(installed[COPSE].versions) / min(len(each.versions) for each in peers)])
    yield Target("installed size, times the smallest peer's", 1, sizes, at_most=True)
    yield Target("packages, times the fewest of a peer", 1, counts, at_most=True)


def _of(series: Series, name: str, rows: int) -> Rounds:
    forms = {each.form for each in series.results.batches if each.server == name}
    return next((series.batch(name, form, rows, 1) for form in forms), {})


def _best(all_rounds: list[Rounds]) -> Rounds:
    """Return the most of each round."""
    numbers = {number for rounds in all_rounds for number in rounds}
    return {number: max(rounds[number] for rounds in all_rounds if number in rounds) for number in numbers}


def _s(count: int) -> str:
    return "s" if count > 1 else ""
