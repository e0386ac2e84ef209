"""What the commands that publish have in common: how they end, and the name that a model gets where none is given."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from model_repository import RepositoryError
from train.errors import TrainingError


def ended(program: str, work: Callable[[], int]) -> int:
    """Do the work and return its exit code; an error's is its own (see errors.py), that of Ctrl-C 130.

    What went wrong is one sentence on standard error.
    """
    try:
        return work()
    except TrainingError as error:
        return _failed(program, str(error), error.exit_code)
    except RepositoryError as error:
        return _failed(program, str(error))
    except OSError as error:
        return _failed(program, f"cannot use {error.filename or 'the repository'}: {error.strerror}")
    except MemoryError:
        return _failed(program, "there is not enough memory for this data and model; nothing was published")
    except KeyboardInterrupt:
        return _failed(program, "stopped; nothing was published", 130)


def model_name(path: str) -> str:
    """Return the name for a model made of a file or folder: its name in the letters that models' names have."""
    return re.sub(r"[^a-z0-9]+", "-", Path(path).name.lower().split(".")[0]).strip("-") or "model"


def _failed(program: str, sentence: str, code: int = TrainingError.exit_code) -> int:
    print(f"{program}: {sentence}", file=sys.stderr)
    return code
