"""The files that pages load: style, script and icon, under names that change with their content."""

import hashlib
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent / "assets"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file and its media type."""

    content: bytes
    media_type: str


def _read() -> tuple[dict[str, str], dict[str, Asset]]:
    """Return the names with their content's hash by the files' own names, and the files by the former."""
    names, files = {}, {}
    for path in sorted(_FOLDER.iterdir()):
        content = path.read_bytes()
        name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
        names[path.name] = name
        files[name] = Asset(content, _TYPES[path.suffix])
    return names, files


NAMES, FILES = _read()
