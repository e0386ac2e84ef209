"""One kind of rows on which an export and its original are compared."""

from dataclasses import dataclass

from train.schema import Rows

LARGEST = 3e38


@dataclass(frozen=True)
class Probe:
    """One kind of coded rows [n, columns]; `origins` [n] says for each where it lies, for a person."""

    name: str
    rows: Rows
    origins: list[str] | None = None

    def origin(self, index: int) -> str:
        """Say which row this is."""
        return f"{self.name}, row {index}" + (f" ({self.origins[index]})" if self.origins else "")
