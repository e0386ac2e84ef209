"""Loading a version: read whole, tried out in a child process, then loaded here and its golden rows compared."""

import asyncio
import contextlib
from pathlib import Path

from model_repository import Damaged, NotPublished, candidate_version, read_version, versions
from serve.errors import ModelRefused
from serve.memory import give_back
from serve.model import LoadedModel
from serve.settings import Settings
from serve.slot import CHECK, DAMAGED, TRIAL, Tried
from serve.trial import TrialFailed, Trials

MOST_TRIALS = 3
MOST_OLDER = 3  # versions that are tried in place of one that is refused


async def load(tried: Tried, version: int, settings: Settings, trials: Trials) -> LoadedModel:
    """Load a version off the event loop.

    Raises:
        ModelRefused: it failed a check, and is remembered as refused unless something else may have been the reason.

    """
    try:
        loaded = await _checked(tried.name, version, settings, trials)
    except TrialFailed as error:  # perhaps for a reason outside of the model, such as a busy node
        tried.failed_trials += 1
        if tried.failed_trials >= MOST_TRIALS:
            raise tried.refuse(version, error, TRIAL) from error
        raise tried.refusal(version, error) from error
    except (Damaged, NotPublished) as error:
        raise tried.refuse(version, error, DAMAGED) from error
    except ModelRefused as error:
        raise tried.refuse(version, error, CHECK) from error
    await asyncio.to_thread(give_back)
    return loaded


async def _checked(name: str, version: int, settings: Settings, trials: Trials) -> LoadedModel:
    published = await asyncio.to_thread(read_version, settings.models, name, version, settings.max_model_bytes)
    await trials.try_out(published, settings.trial_seconds)
    return await asyncio.to_thread(LoadedModel, published)


def _older(root: Path, name: str, refused: int) -> list[int]:
    """Return the versions below one, newest first, but for a candidate: nobody has decided for it yet."""
    candidate = None
    with contextlib.suppress(Damaged):
        candidate = candidate_version(root, name)
    return [each for each in reversed(versions(root, name)) if each < refused and each != candidate][:MOST_OLDER]


async def load_older(name: str, refused: int, settings: Settings, trials: Trials) -> LoadedModel | None:
    """Return the newest good version before one that is refused, or None; for a server that has nothing to go on with.

    A pod that starts while CURRENT names a broken version would else never be ready.
    """
    for version in await asyncio.to_thread(_older, settings.models, name, refused):
        with contextlib.suppress(ModelRefused, OSError):
            return await load(Tried(name), version, settings, trials)
    return None
