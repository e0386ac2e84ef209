"""docs/operations.md has every line that the server logs, and the reasons that such lines hold, and no others."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
LEVELS = ("info", "warning", "error", "critical")
LINE = re.compile(r"^\| `([^`]+)` \| (\w+) \|", re.MULTILINE)
REASON = re.compile(r"^\| `([^`]+)` \| (?!\w+ \|)", re.MULTILINE)
REASONS = {
    "ModelRefused",
    "TrialFailed",
    "ModelFailed",
    "Unusable",
    "Damaged",
    "NotPublished",
}  # errors whose text ends up in a line
READING = [ROOT / "model_repository" / f"{name}.py" for name in ("files_described", "layout", "manifest", "read")]
RETURNED = {"check_comparable", "_what_is_lacking", "reason_of", "verdict"}  # functions that return such a text


def sources() -> Iterator[ast.AST]:
    """Yield what the server consists of."""
    for path in [*sorted((ROOT / "serve").rglob("*.py")), *READING]:
        yield from ast.walk(ast.parse(path.read_text()))


def shown(text: ast.expr) -> str | None:
    """Return a format or an f-string as the page shows it: … stands for what is filled in; None without any words."""
    if isinstance(text, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in text.values]
        said = "".join(parts)
    elif isinstance(text, ast.Constant) and isinstance(text.value, str):
        said = re.sub(r"%(\.\d)?[sdf]", "…", text.value).replace("%%", "%")
    else:
        return None
    return said if re.search("[a-z]", said) else None


def logged() -> dict[str, str]:
    """Return each line that is logged, and its level; lines that are another's text are told by their reasons."""
    found: dict[str, str] = {}
    for node in sources():
        match node:
            case ast.Call(ast.Attribute(ast.Name("log"), level)) if level in LEVELS and (line := shown(node.args[0])):
                found[line] = level
    return found


def reasons() -> set[str]:
    """Return what may stand in a line where the line itself has no words."""
    texts = [text for node in sources() for text in _texts(node)]
    return {said for text in texts if (said := shown(text))}


def _texts(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        return node.args[:1] if name in {*REASONS, "say"} else []
    if isinstance(node, ast.FunctionDef) and node.name in RETURNED:
        returned = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
        return [
            text
            for value in returned
            for text in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
        ]
    return []


def test_every_line_that_the_server_logs_is_on_the_page_with_its_level_and_no_other() -> None:
    assert len(logged()) > 15
    assert dict(LINE.findall(PAGE)) == logged()


def test_every_reason_that_a_line_may_hold_is_on_the_page_and_no_other() -> None:
    assert len(reasons()) > 20
    assert set(REASON.findall(PAGE)) == reasons()
