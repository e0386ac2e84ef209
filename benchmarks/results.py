"""What a run measured, as it is stored: every value of every round, so that tables and plots are made from it alone."""

from pathlib import Path

import msgspec


class Machine(msgspec.Struct):
    """Where and when it was measured, and of which commit."""

    processor: str
    cpus: int
    memory_bytes: int
    kernel: str
    python: str
    commit: str
    date: str
    minutes: float = 0.0


class Point(msgspec.Struct):
    """One row a request over so many connections: requests a second, milliseconds, requests that failed."""

    server: str
    form: str
    connections: int
    round: int
    rate: float
    p50: float
    p99: float
    failed: int


class Paced(msgspec.Struct):
    """One row a request at a rate, whatever the answers: milliseconds, requests that failed."""

    server: str
    rate: float
    round: int
    p50: float
    p99: float
    failed: int


class Batch(msgspec.Struct):
    """Many rows a request, or a call: rows a second."""

    server: str
    form: str
    rows: int
    cpus: int
    round: int
    rate: float


class Start(msgspec.Struct):
    """From the start of a process to the first right answer, in seconds."""

    server: str
    cpus: int
    round: int
    seconds: float


class Memory(msgspec.Struct):
    """Memory of all processes in bytes, resident and proportional, after the first answer and under load."""

    server: str
    round: int
    idle: int
    idle_proportional: int
    loaded: int
    loaded_proportional: int
    processes: int


class Installed(msgspec.Struct):
    """An environment: bytes of installed files, and the version of each distribution."""

    environment: str
    size: int
    versions: dict[str, str]


class Overload(msgspec.Struct):
    """Four times the capacity: counts of requests, p99 of the right ones in milliseconds, seconds of one after them."""

    server: str
    capacity: float
    due: int
    sent: int
    right: int
    wrong: int
    refused: int
    failed: int
    p99: float
    seconds_after: float | None


class Results(msgspec.Struct):
    """All of one run. `unmeasured` tells of peers that were not measured, or not wholly, why."""

    machine: Machine
    points: list[Point] = []
    paced: list[Paced] = []
    batches: list[Batch] = []
    starts: list[Start] = []
    memory: list[Memory] = []
    installed: list[Installed] = []
    overloads: list[Overload] = []
    unmeasured: dict[str, str] = {}


def read(path: Path) -> Results:
    """Return stored results.

    Raises:
        FileNotFoundError: there are none.
        msgspec.ValidationError: they are of another form.

    """
    return msgspec.json.decode(path.read_bytes(), type=Results)


def write(results: Results, path: Path) -> None:
    """Store results: one line a value, so that a change shows what changed."""
    fields = msgspec.structs.asdict(results)
    parts = []
    for name, value in fields.items():
        if isinstance(value, list):
            lines = ",\n".join("  " + msgspec.json.encode(_rounded(each)).decode() for each in value)
            parts.append(f'"{name}": [\n{lines}\n]' if value else f'"{name}": []')
        else:
            parts.append(f'"{name}": {msgspec.json.encode(value).decode()}')
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def _rounded(entry: msgspec.Struct) -> dict[str, object]:
    values = msgspec.structs.asdict(entry)
    return {name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in values.items()}
