"""Loading a version: read whole, tried out in a child process, then loaded here and its golden rows compared."""

import asyncio

from model_repository import Damaged, NotPublished, read_version
from serve.errors import ModelRefused
from serve.model import LoadedModel
from serve.settings import Settings
from serve.slot import Tried
from serve.trial import TrialFailed, try_out

MOST_TRIALS = 3


async def load(tried: Tried, version: int, settings: Settings) -> LoadedModel:
    """Load a version off the event loop.

    Raises:
        ModelRefused: it failed a check, and is remembered as refused unless something else may have been the reason.

    """
    try:
        published = await asyncio.to_thread(
            read_version, settings.models, tried.name, version, settings.max_model_bytes
        )
        await try_out(published, settings.trial_seconds)
        return await asyncio.to_thread(LoadedModel, published)
    except TrialFailed as error:  # perhaps for a reason outside of the model, such as a busy node
        tried.failed_trials += 1
        if tried.failed_trials >= MOST_TRIALS:
            raise tried.refuse(version, error) from error
        raise tried.refusal(version, error) from error
    except (Damaged, NotPublished, ModelRefused) as error:
        raise tried.refuse(version, error) from error
