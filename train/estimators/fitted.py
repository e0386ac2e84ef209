"""A model that was fitted elsewhere, read from a file: skops, which holds no code, or joblib if the user trusts it."""

import importlib
import warnings
from pathlib import Path
from typing import Any

import joblib
import sklearn
import skops.io
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

from train.errors import BadEstimator
from train.report import say

SKOPS = (".skops",)
PICKLES = (".joblib", ".pkl", ".pickle")
HARMLESS = {"numpy.dtype"}  # beside what skops itself trusts
NAMED_TYPES = 10


def load_fitted(path: Path, *, trust_joblib: bool) -> Any:
    """Return the fitted classifier or regressor in a file, and say if another scikit-learn made it.

    Raises:
        BadEstimator: there is none, it is not trusted, or it cannot be loaded.

    """
    check_there(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if path.suffix in SKOPS:
            model = _load_skops(path)
        elif path.suffix in PICKLES:
            model = _load_pickle(path, trust=trust_joblib)
        else:
            raise BadEstimator(f"{path} ends with neither .skops nor .joblib; write it with skops.io.dump")
    _check(path, model)
    versions = [each.message for each in caught if isinstance(each.message, InconsistentVersionWarning)]
    if versions:
        say(
            f"         {path} was fitted with scikit-learn {versions[0].original_sklearn_version}; what is proved is "
            f"what scikit-learn {sklearn.__version__} makes of it"
        )
    return model


def check_there(path: Path) -> None:
    """Raise BadEstimator if there is no such file."""
    if not path.is_file():
        raise BadEstimator(f"there is no file {path}; --fitted takes a .skops or .joblib file")


def _load_skops(path: Path) -> Any:
    try:
        unknown = skops.io.get_untrusted_types(file=path)
        trusted = [name for name in unknown if _is_harmless(name)]
        foreign = [name for name in unknown if name not in trusted]
        if not foreign:
            return skops.io.load(path, trusted=trusted)
    except Exception as error:  # a damaged file makes skops, zipfile and scikit-learn raise whatever they like
        raise BadEstimator(f"{path} cannot be loaded as a skops file: {_reason(error)}") from error
    more = f" and {len(foreign) - NAMED_TYPES:,} more" if len(foreign) > NAMED_TYPES else ""
    raise BadEstimator(
        f"{path} holds {', '.join(foreign[:NAMED_TYPES])}{more}, which are no types of scikit-learn; "
        "leave them out of the model, or, if it is in ONNX already, publish it with copse-import"
    )


def _load_pickle(path: Path, *, trust: bool) -> Any:
    if not trust:
        raise BadEstimator(
            f"{path} can run any code when it is loaded, whatever its maker put into it; write the model with "
            "skops.io.dump instead, or add --trust-joblib if you trust its maker as you trust yourself"
        )
    try:
        return joblib.load(path)
    except Exception as error:  # it runs what the file holds
        raise BadEstimator(f"{path} cannot be loaded: {_reason(error)}") from error


def _is_harmless(name: str) -> bool:
    """Return whether a name is that of a class that scikit-learn itself defines; a function could do anything."""
    if name in HARMLESS:
        return True
    module, _, attribute = name.rpartition(".")
    if module.split(".")[0] != "sklearn":
        return False
    try:
        kind = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    return isinstance(kind, type) and kind.__module__.split(".")[0] == "sklearn"


def _check(path: Path, model: Any) -> None:
    kind = type(model).__name__
    if not isinstance(model, BaseEstimator):
        raise BadEstimator(
            f"{path} holds an object of type {kind}; a scikit-learn classifier or regressor was expected"
        )
    if not (is_classifier(model) or is_regressor(model)):
        raise BadEstimator(f"{path} holds a {kind}, which neither classifies nor predicts a number")
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise BadEstimator(f"{path} holds a {kind} that is not fitted; fit it before it is written") from None


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
