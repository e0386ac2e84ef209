"""In overload predictions of every kind are turned away by path, before their bodies are read, and are counted."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import State

from serve.admission import LONGEST_TURN
from serve.app import create_app
from serve.errors import Malformed
from serve.exposition import Series, exposition
from serve.identity import Caller
from serve.questions import Asked
from serve.routes.predict import refuse_at_the_door
from serve.service import Service
from serve.settings import Settings

DEADLINE_SECONDS = 20.0
ROUTES = {
    "/predict": "/predict",
    "/models/a/predict": "/models/{name}/predict",
    "/v1/models/a:predict": "/v1/models/{name}:predict",
    "/v2/models/a/infer": "/v2/models/{name}/infer",
    "/v2/models/a/versions/1/infer": "/v2/models/{name}/versions/{version}/infer",
}
NO_ROUTES = ("/a/predict", "/models/a/b/predict", "/infer", "/v2/models/a/b/versions/1/infer", "/a:predict")


async def overload(service: Service) -> None:
    """Ask for something that takes a whole turn of the loop, and for more besides than may wait."""
    model: Any = "a model that is never asked"

    def refuse() -> Asked:
        time.sleep(2 * LONGEST_TURN)
        raise Malformed("after a while")

    asked = (service.answer(model, 1, 1, refuse, Caller((), bool)) for _ in range(9))
    await asyncio.gather(*asked, return_exceptions=True)


def refused(path: str, models: Path) -> tuple[int, State]:
    """Return how many of 100 requests for a path are refused in overload, and the application's state."""
    state: State = create_app(Settings(models=models, waiting_requests=8)).state

    async def ask() -> int:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await overload(state.service)
            return sum(refuse_at_the_door(state, path.encode()) is not None for _ in range(100))

    return asyncio.run(ask()), state


@pytest.mark.parametrize("path", ROUTES)
def test_a_prediction_too_many_is_turned_away_and_counted(path: str, tmp_path: Path) -> None:
    count, state = refused(path, tmp_path)

    assert 0 < count < 100
    counted = f'copse_requests_total{{method="POST",route="{ROUTES[path]}",status="503"}} {float(count)}'
    assert counted in exposition(Series(state.metrics)).decode()
    assert state.metrics.refusals["late"] + state.metrics.refusals["full"] >= count
    assert not state.metrics.durations, "it took no time that would tell anything"
    assert ROUTES[path] in [getattr(route, "path", "") for route in create_app(state.settings).routes]


@pytest.mark.parametrize("path", NO_ROUTES)
def test_a_path_that_only_ends_as_one_of_predictions_is_counted_as_none_of_them(path: str, tmp_path: Path) -> None:
    count, state = refused(path, tmp_path)

    assert {key: float(number) for key, number in state.metrics.requests.items()} == {("unmatched", "POST", 503): count}


@pytest.mark.parametrize("path", ["/", "/readyz", "/v2/health/ready", "/v2/models/a", "/metrics", "/v1/models/a"])
def test_all_else_is_let_in(path: str, tmp_path: Path) -> None:
    assert refused(path, tmp_path)[0] == 0
