"""Where a model is fitted: in threads of this process, or on the workers of a Dask cluster, by way of joblib."""

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import joblib

from train.errors import BadParameter, TrainingError

SECONDS_TO_CONNECT = 20


@contextmanager
def fitting(scheduler: str | None, arrays: list[Any]) -> Iterator[None]:
    """Have joblib work on this process's CPUs, or on the cluster of a Dask scheduler, to which the arrays go once.

    Raises:
        BadParameter: Dask is not installed.
        TrainingError: no scheduler answers at that address, or it has no workers.

    """
    if scheduler is None:
        with joblib.parallel_config(backend="threading", n_jobs=_cpus()):
            yield
        return
    with _connected(scheduler) as client:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise TrainingError(f"the Dask scheduler at {scheduler} has no workers")
        with joblib.parallel_config(backend="dask", scatter=arrays):
            yield


def count_cores() -> None:
    """Have joblib count the cores once and silently: where `lscpu` is missing it warns, with a traceback."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        joblib.cpu_count(only_physical_cores=True)


def _connected(scheduler: str) -> Any:
    try:
        import distributed  # noqa: PLC0415 - an extra that most do without
    except ImportError:
        raise BadParameter("--backend dask needs Dask: pip install distributed") from None
    try:
        return distributed.Client(scheduler, timeout=SECONDS_TO_CONNECT, set_as_default=True)
    except ValueError:
        raise BadParameter(f"--scheduler {scheduler} is no address; one is like tcp://scheduler:8786") from None
    except OSError as error:
        raise TrainingError(f"no Dask scheduler answers at {scheduler} ({type(error).__name__})") from None


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
