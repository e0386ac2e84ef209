"""The program of `helm test`, against real servers."""

import subprocess
import sys
from pathlib import Path

from tests.certificates import make_pair
from tests.charts import CHART
from tests.rotations import replace
from tests.servers import RunningServer, serving

TOKEN = "0123456789abcdef"


def check(server: RunningServer, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHART / "files" / "check_answer.py"), server.address, *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_it_prints_what_is_served_and_succeeds(server: RunningServer) -> None:
    checked = check(server)

    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith("breast-cancer version 1 answers {")


def test_it_asks_with_a_token_over_tls_and_only_the_server_that_has_the_certificate(
    trained: Path, tmp_path: Path
) -> None:
    pair, other = make_pair(tmp_path, "pair"), make_pair(tmp_path, "other")
    tokens, chain, impostor = tmp_path / "tokens", tmp_path / "chain", tmp_path / "impostor"
    replace(tokens, f"# clients\n\n{TOKEN}\n")
    replace(chain, pair.certificate + other.certificate)
    replace(impostor, other.certificate)
    given = ("--tls-certificate", str(tmp_path / "pair.crt"), "--tls-key", str(tmp_path / "pair.key"))
    with serving(trained, "--tokens-file", str(tokens), *given) as running:
        running.says("serve ")
        answered = check(running, f"--tokens={tokens}", f"--certificate={chain}")
        without_token = check(running, f"--certificate={chain}")
        of_another = check(running, f"--tokens={tokens}", f"--certificate={impostor}")

    assert (answered.returncode, answered.stderr) == (0, "")
    assert without_token.returncode == of_another.returncode == 1
    assert "/ is answered 401" in without_token.stderr
    assert "the server's certificate is not that of the secret" in of_another.stderr
