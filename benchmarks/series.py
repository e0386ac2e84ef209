"""Results by what is asked of them: the value of each round."""

from benchmarks.contenders import COPSE, FRONT, PEERS_BY_NAME
from benchmarks.figures import Rounds, spread
from benchmarks.results import Results

MEASURED = (
    "copse", "starlette", "uvicorn", "uvloop", "httptools", "onnxruntime", "scikit-learn", "numpy",
    "flask", "gunicorn", "fastapi", "mlserver", "bentoml", "litserve", "ray", "kserve",
)  # fmt: skip


def measured(environment: str) -> list[str]:
    """Return the distributions whose versions are told of an environment: the server's own first."""
    own = environment.partition("_")[0]
    return [own, *(name for name in MEASURED if name != own)]


class Series:
    """One run's results."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.rounds = len({each.round for each in results.points})

    def peers(self) -> list[str]:
        """Return the peers of which there are points, in the order of contenders."""
        found = {each.server for each in self.results.points}
        return [name for name in PEERS_BY_NAME if name in found]

    def by_rate(self) -> list[str]:
        """Return all servers of which there are points: limits, Copse, and peers, the fastest first."""
        fastest = sorted(self.peers(), key=lambda name: self._median(name, 64), reverse=True)
        return [*(each.name for each in FRONT), *fastest]

    def forms(self, server: str) -> list[str]:
        """Return the forms in which a server was asked for one row."""
        return list(dict.fromkeys(each.form for each in self.results.points if each.server == server))

    def rate(self, server: str, connections: int, form: str | None = None) -> Rounds:
        """Return requests a second; in the server's first form, if none is named."""
        return self._points(server, connections, form, "rate")

    def p99(self, server: str, connections: int, form: str | None = None) -> Rounds:
        """Return milliseconds."""
        return self._points(server, connections, form, "p99")

    def paced(self, server: str, field: str) -> Rounds:
        """Return p50 or p99 at half of the capacity, in milliseconds."""
        return {each.round: getattr(each, field) for each in self.results.paced if each.server == server}

    def batch(self, server: str, form: str, rows: int, cpus: int) -> Rounds:
        """Return rows a second."""
        wanted = (server, form, rows, cpus)
        return {
            each.round: each.rate
            for each in self.results.batches
            if (each.server, each.form, each.rows, each.cpus) == wanted
        }

    def batch_lines(self) -> list[tuple[str, str, str, int]]:
        """Return title, server, form and CPUs of all that took many rows a request, or ran them raw."""
        titles = {name: peer.title for name, peer in PEERS_BY_NAME.items()} | {COPSE: "Copse", "raw": "raw"}
        keys = {(each.server, each.form, each.cpus) for each in self.results.batches if each.form != "inference"}
        order = ["raw", COPSE, *self.peers()]
        listed = sorted(keys, key=lambda key: (key[2], order.index(key[0]), key[1] != "v2 binary", key[1]))
        return [(f"{titles[server]}, {form}", server, form, cpus) for server, form, cpus in listed]

    def starts(self, server: str, cpus: int) -> Rounds:
        """Return seconds to the first answer."""
        found = self.results.starts
        return {each.round: each.seconds for each in found if (each.server, each.cpus) == (server, cpus)}

    def memory(self, server: str, field: str) -> Rounds:
        """Return one of the fields of what memory was taken: bytes, or processes."""
        return {each.round: getattr(each, field) for each in self.results.memory if each.server == server}

    def installed(self, environment: str) -> tuple[str, str]:
        """Return megabytes and number of distributions of an environment, as texts."""
        for each in self.results.installed:
            if each.environment == environment:
                return f"{each.size / 1e6:,.0f}", str(len(each.versions))
        return "-", "-"

    def _points(self, server: str, connections: int, form: str | None, field: str) -> Rounds:
        chosen = form or next(iter(self.forms(server)), None)
        return {
            each.round: getattr(each, field)
            for each in self.results.points
            if (each.server, each.form, each.connections) == (server, chosen, connections)
        }

    def _median(self, server: str, connections: int) -> float:
        found = spread(self.rate(server, connections).values())
        return found.median if found else 0.0
