"""What a benchmark starts it ends, and each peer's environment is pinned."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.contenders import PEERS_BY_NAME
from benchmarks.paths import PEERS, ROOT
from benchmarks.processes import end, family, memory_of
from tests.servers import eventually

STARTS_ANOTHER = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


def lives(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_server_is_ended_with_all_that_it_started_even_what_left_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.processes.END_SECONDS", 0.2)
    process = subprocess.Popen([sys.executable, "-c", STARTS_ANOTHER], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout
    with process.stdout as output:
        child = int(output.readline())
    assert {process.pid, child} <= set(family(process.pid))
    memory = memory_of(process.pid)
    assert memory.processes == 2
    assert memory.resident >= memory.proportional > 0
    end(process)
    eventually(lambda: not lives(child), lambda: "the child of the server still lives")
    assert process.returncode


def test_a_family_is_no_stranger() -> None:
    assert os.getppid() not in family(os.getpid())


@pytest.mark.parametrize("name", sorted(PEERS_BY_NAME))
def test_a_peer_has_all_that_it_needs_pinned_with_hashes(name: str) -> None:
    asked = (PEERS / name / "requirements.in").read_text().split()
    pinned = (PEERS / name / "requirements.txt").read_text()
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", pinned, re.MULTILINE)
    assert {re.split(r"[\[=]", each)[0].lower() for each in asked} <= {package for package, _ in pins}
    blocks = re.split(r"\n(?=\S)", pinned.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "index-url" not in pinned


@pytest.mark.parametrize(("package", "requirements"), [("onnxruntime", "serve"), ("scikit-learn", "train")])
def test_peers_have_the_inference_of_the_same_version_as_copse(package: str, requirements: str) -> None:
    ours = re.findall(rf"^{package}==(\S+)", (ROOT / "requirements" / f"{requirements}.txt").read_text(), re.MULTILINE)
    texts = [(PEERS / name / "requirements.txt").read_text() for name in PEERS_BY_NAME]
    theirs = [version for text in texts for version in re.findall(rf"^{package}==(\S+)", text, re.MULTILINE)]
    assert len(theirs) >= 3
    assert set(theirs) == set(ours)
