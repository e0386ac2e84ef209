"""Looking for a version whatever happens: what is wrong is kept where people find it, and ends nothing."""

import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from model_repository import NotPublished, RepositoryError
from serve.errors import ModelRefused
from serve.slot import Tried

log = logging.getLogger("copse")


async def guarded(tried: Tried, looking: Coroutine[Any, Any, None]) -> bool:
    """Look for a version, and keep what is wrong; return whether anything was ever published."""
    try:
        await looking
    except (RepositoryError, ModelRefused, OSError) as error:
        if isinstance(error, NotPublished) and not tried.loaded:
            return False
        tried.say(reason_of(error))
    except Exception:  # a model that breaks in a new way must not end the watch
        tried.say("an unexpected error while loading")
        log.debug("unexpected error while loading a model", exc_info=True)
    return True


def reason_of(error: Exception) -> str:
    """Return what is wrong, of a file only its name."""
    if isinstance(error, OSError):
        what = Path(error.filename).name if error.filename else "the model repository"
        return f"{what} cannot be read ({error.strerror or type(error).__name__})"
    return str(error)
