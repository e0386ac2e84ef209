"""serve.ready, the health check of the images."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from serve.ready import main
from tests.servers import RunningServer, serving


def test_it_prints_the_answer_and_succeeds_where_a_model_is_served(
    server: RunningServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([server.address], {}) == 0
    assert '"ready":true' in capsys.readouterr().out


def test_it_asks_the_server_that_listens_here_when_no_address_is_given(server: RunningServer) -> None:
    assert main([], {"COPSE_PORT": str(urlsplit(server.address).port)}) == 0


def test_it_fails_and_says_why_while_no_model_is_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path) as empty:
        assert main([empty.address], {}) == 1

    assert "not ready" in capsys.readouterr().out


def test_it_fails_where_nobody_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path) as gone:
        address = gone.address

    assert main([address], {}) == 1
    assert "does not answer" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["", "copse", "http://127.0.0.1:port", "http://[::1"])
def test_it_fails_for_what_is_no_address(address: str) -> None:
    assert main([address], {}) == 1
