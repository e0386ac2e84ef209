"""README.md and the plots, renewed from results."""

import re

from benchmarks import pictures, tables
from benchmarks.paths import PLOTS, README
from benchmarks.results import Results
from benchmarks.series import Series

MARKED = re.compile(r"(<!-- table: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(text: str, results: Results) -> str:
    """Return the text with every table between its marks made anew.

    Raises:
        KeyError: a mark names a table that is not made.

    """
    made = tables.made(results)
    return MARKED.sub(lambda found: f"{found[1]}{made[found['name']]}\n{found[3]}", text)


def renew(results: Results) -> None:
    """Write README.md and the plots."""
    README.write_text(renewed(README.read_text(), results))
    PLOTS.mkdir(exist_ok=True)
    for name, picture in pictures.made(Series(results)).items():
        (PLOTS / name).write_text(picture)
