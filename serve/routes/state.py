"""What the routes find in the application: its settings and the model that answers now."""

from starlette.requests import Request

from serve.drain import Drain
from serve.identity import CALLER, Caller
from serve.metrics import Metrics
from serve.model import LoadedModel
from serve.service import Service
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


def watcher(request: Request) -> Watcher:
    """Return the watch over the models."""
    found: Watcher = request.app.state.watcher
    return found


def metrics(request: Request) -> Metrics:
    """Return the counters."""
    found: Metrics = request.app.state.metrics
    return found


def service(request: Request) -> Service:
    """Return what answers rows."""
    found: Service = request.app.state.service
    return found


def served_model(request: Request) -> LoadedModel:
    """Return the model that the path names, or the one that is meant; it answers this request to its end.

    Raises:
        NoSuchModel: there is no such model, or it is not clear which is meant.
        NotReady: it has no good version yet.

    """
    return watcher(request).served(request.path_params.get("name"))


def caller(request: Request) -> Caller:
    """Return who waits for the answer."""
    found: Caller = request.scope[CALLER]
    return found


def named(model: LoadedModel) -> dict[str, str]:
    """Return the headers that name the version which answered."""
    return {"x-model-name": model.name, "x-model-version": str(model.version)}
