"""The templates of the pages. All that is put into them is escaped."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serve.page.assets import NAMES
from serve.page.figures import percent

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.globals["assets"] = NAMES
_environment.filters["percent"] = percent


def compile_all() -> None:
    """Compile all templates, which takes longer than the event loop should be busy; once is enough."""
    for name in _environment.list_templates():
        _environment.get_template(name)


def render(template: str, **values: Any) -> str:
    """Return a template filled in."""
    filled: str = _environment.get_template(template).render(values)
    return filled
