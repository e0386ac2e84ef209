"""What somebody types wrongly into the form is not the fault of the version that is served."""

import asyncio
from pathlib import Path

import httpx

from serve.app import create_app
from serve.settings import Settings
from tests.conftest import MODEL

TOO_LARGE = {f"c{column}": "1e39" for column in range(30)}


def test_a_row_that_the_form_cannot_send_is_told_and_counts_against_no_version(trained: Path) -> None:
    app = create_app(Settings(models=trained))

    async def ask() -> httpx.Response:
        await app.state.watcher.look()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            return await http.post("/", data=TOO_LARGE, headers={"accept": "text/html"})

    answer = asyncio.run(ask())

    assert answer.status_code == 422
    assert "too large" in answer.text
    assert app.state.watcher.slots[MODEL].outcomes.failed == 0
