"""What the routes find in the application: its settings and the model that answers now."""

from starlette.requests import Request

from serve.drain import Drain
from serve.errors import NotReady
from serve.model import LoadedModel
from serve.settings import Settings
from serve.watcher import Watcher


def settings(request: Request) -> Settings:
    """Return the server's settings."""
    found: Settings = request.app.state.settings
    return found


def draining(request: Request) -> bool:
    """Return whether the server was told to stop."""
    drain: Drain = request.app.state.drain
    return drain.begun


def served_model(request: Request) -> LoadedModel:
    """Return the model that answers this request, from beginning to end.

    Raises:
        NotReady: none is loaded yet.

    """
    watcher: Watcher = request.app.state.watcher
    if watcher.model is None:
        raise NotReady(f"not ready: {watcher.waiting_for}")
    return watcher.model
