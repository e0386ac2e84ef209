"""The table of a chart's values in its README, made from the comments in values.yaml.

python scripts/values_table.py helm/copse [--check]
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

BEGIN, END = "<!-- values: begin -->\n", "<!-- values: end -->"
_LINE = re.compile(r"(?P<indent> *)(?:# (?P<comment>.+)|(?P<key>\w+):(?: (?P<default>.+))?)$")


def documented_values(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield path, default and comment of each value in a values.yaml whose values have their comments above them."""
    path: list[str] = []
    comment: list[str] = []
    nested = -1
    for line in text.splitlines():
        found = _LINE.match(line)
        depth = len(found["indent"]) // 2 if found else 0
        if not found or depth > nested >= 0:
            comment = []
        elif found["comment"]:
            comment.append(found["comment"])
        else:
            nested = -1
            path = [*path[:depth], found["key"]]
            if comment:
                yield ".".join(path), found["default"] or "see values.yaml", " ".join(comment)
                nested = -1 if found["default"] else depth
            comment = []


def table(text: str) -> str:
    """Return the Markdown table of a values.yaml."""
    rows = [f"| `{path}` | `{default}` | {comment} |\n" for path, default, comment in documented_values(text)]
    return "".join(["| value | default | what |\n", "|---|---|---|\n", *rows])


def readme_with_table(chart: Path) -> str:
    """Return the chart's README with the table as it should be."""
    readme = (chart / "README.md").read_text()
    before, rest = readme.split(BEGIN)
    return before + BEGIN + table((chart / "values.yaml").read_text()) + END + rest.split(END)[1]


def main(chart: Path, *, check: bool) -> int:
    """Write the README, or say whether it is as it should be."""
    wanted = readme_with_table(chart)
    if check:
        return int(wanted != (chart / "README.md").read_text())
    (chart / "README.md").write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), check="--check" in sys.argv))
