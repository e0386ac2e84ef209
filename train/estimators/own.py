"""The user's own estimator: what a function of theirs returns."""

import hashlib
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from train.errors import BadEstimator


def is_own(name: str) -> bool:
    """Say whether an estimator's name is that of a function: module:function."""
    return ":" in name


def make(name: str, code: Path) -> Any:
    """Call module:function and return the estimator that it gives; modules in the folder `code` are found too.

    Raises:
        BadEstimator: there is no such module or function, it fails, or what it returns cannot be fitted.

    """
    function = _function(name, code)
    try:
        estimator = function()
    except Exception as error:
        raise BadEstimator(f"--estimator {name}: the function failed with {_said(error)}") from error
    if isinstance(estimator, type):
        called = f"{estimator.__name__}()"
        raise BadEstimator(f"--estimator {name}: the function returned the class {estimator.__name__}; return {called}")
    if not (hasattr(estimator, "fit") and hasattr(estimator, "get_params")):
        raise BadEstimator(f"--estimator {name}: the function returned {type(estimator).__name__}, no estimator")
    return estimator


def digest(name: str, code: Path) -> str:
    """Return the SHA-256 of the module's file, in hexadecimal."""
    source = inspect.getsourcefile(inspect.unwrap(_function(name, code)))
    return hashlib.sha256(Path(source).read_bytes() if source else b"").hexdigest()


def _function(name: str, code: Path) -> Any:
    module, _, function = name.partition(":")
    if str(code) not in sys.path:
        sys.path.insert(0, str(code))
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise BadEstimator(f"--estimator {name}: the module needs {error.name}, which is not installed") from None
        raise BadEstimator(f"--estimator {name}: no module {module} is installed, or in {code} (--code)") from None
    except Exception as error:
        raise BadEstimator(f"--estimator {name}: the module failed with {_said(error)}") from error
    if not callable(found):
        raise BadEstimator(f"--estimator {name}: the module has no function {function}")
    return found


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
