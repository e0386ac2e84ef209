"""Whether clients may load and unload models, and with what."""

from collections.abc import Iterable

from serve.errors import Forbidden, WrongValues
from serve.settings import Settings


def check_allowed(settings: Settings) -> None:
    """Refuse to load or unload.

    Raises:
        Forbidden: it was not allowed at start.

    """
    if settings.model_control == "off":
        raise Forbidden("models are not loaded or unloaded by clients here; --model-control on allows it")


def check_parameters(names: Iterable[str]) -> None:
    """Refuse a model that would be another than the one in the repository.

    Raises:
        WrongValues: a configuration or a file comes with the request.

    """
    if any(name == "config" or name.startswith("file:") for name in names):
        raise WrongValues("models are loaded as they are in the repository; expected neither config nor files")
