"""The page at /docs: Swagger UI from an installed package, of which only the static files are used."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from serve.errors import NotInstalled

PACKAGE = "swagger_ui"
_OUR_FOLDER = Path(__file__).parent / "assets"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
KEPT = "private, max-age=3600"  # private: it may have taken a token to see it
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
OURS = frozenset({"start.js"})
THEIRS = frozenset({"swagger-ui.css", "swagger-ui-bundle.js"})


def page() -> bytes:
    """Return the page.

    Raises:
        NotInstalled: the package with Swagger UI is not there.

    """
    _folder()
    return _read(_OUR_FOLDER / "docs.html")


def asset(name: str) -> bytes | None:
    """Return a file of the page, if it is one.

    Raises:
        NotInstalled: the package with Swagger UI is not there.

    """
    if name in OURS:
        return _read(_OUR_FOLDER / name)
    return _read(_folder() / name) if name in THEIRS else None


@cache
def _read(path: Path) -> bytes:
    """Return a file's content, of which all answers have the same copy: a slow client keeps its answer in memory."""
    return path.read_bytes()


def _folder() -> Path:
    """Return where the package keeps Swagger UI; it is not imported, since it would import a whole web framework."""
    found = find_spec(PACKAGE)
    for location in (found and found.submodule_search_locations) or ():
        folder = Path(location) / "static"
        if all((folder / name).is_file() for name in THEIRS):
            return folder
    raise NotInstalled("the document is at /openapi.json; to read it here, pip install swagger-ui-py")
