"""A version's page is prepared once, however many ask for it at the same time, and whoever of them goes away."""

import asyncio
import gc
import weakref
from pathlib import Path
from typing import Any

import httpx
import pytest

from serve.app import create_app
from serve.model import LoadedModel
from serve.page import model_page
from serve.page.model_page import ModelPage
from serve.settings import Settings
from tests.conftest import MODEL

CLIENTS = 10


class Counted(ModelPage):
    made = 0

    def __init__(self, model: LoadedModel, **given: Any) -> None:
        type(self).made += 1
        super().__init__(model, **given)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> type[Counted]:
    monkeypatch.setattr(model_page, "ModelPage", Counted)
    monkeypatch.setattr(Counted, "made", 0)
    return Counted


async def answers(models: Path, *, leaving: int) -> list[Any]:
    app = create_app(Settings(models=models))
    await app.state.watcher.look()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"accept": "text/html"}) as http:
        asked = [asyncio.create_task(http.get("/")) for _ in range(CLIENTS)]
        await asyncio.sleep(0)
        for task in asked[:leaving]:
            task.cancel()
        return await asyncio.gather(*asked[leaving:])


@pytest.mark.parametrize("leaving", [0, 1])
def test_a_page_is_prepared_once_for_all_who_ask_at_the_same_time(
    trained: Path, counted: type[Counted], leaving: int
) -> None:
    found = asyncio.run(answers(trained, leaving=leaving))

    assert {answer.status_code for answer in found} == {200}
    assert counted.made == 1


def test_a_model_that_is_served_no_more_is_not_kept_by_its_page(trained: Path) -> None:
    async def kept() -> object:
        app = create_app(Settings(models=trained))
        await app.state.watcher.look()
        model = weakref.ref(app.state.watcher.served())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            assert (await http.get("/", headers={"accept": "text/html"})).status_code == 200
        await app.state.watcher.unload(MODEL)
        gc.collect()
        return model()

    assert asyncio.run(kept()) is None
