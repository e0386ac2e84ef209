"""The templates of the pages. All that is put into them is escaped."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serve.page.assets import NAMES
from serve.page.figures import percent

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - a server may never show a page

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["assets"] = NAMES
    environment.filters["percent"] = percent
    return environment


def compile_all() -> None:
    """Load Jinja and compile all templates, in a thread: the first time takes longer than the loop may be busy."""
    for name in _environment().list_templates():
        _environment().get_template(name)


def render(template: str, **values: Any) -> str:
    """Return a template filled in."""
    filled: str = _environment().get_template(template).render(values)
    return filled
