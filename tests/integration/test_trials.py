"""Where the server tries versions out: at start in a copy of itself, later in a new interpreter, and both end."""

from pathlib import Path

from tests.conftest import MODEL
from tests.damages import publish_damaged, tree_with_a_cycle
from tests.servers import RunningServer, eventually, serving


def children(running: RunningServer) -> list[str]:
    """Return the command lines of the processes that the server started."""
    pid = running.process.pid
    numbers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path("/proc", number, "cmdline").read_text().replace("\0", " ") for number in numbers]


def test_at_start_a_version_is_tried_in_a_copy_of_the_server(repository: Path) -> None:
    tree_with_a_cycle(repository / MODEL / "1")
    with serving(repository, "--trial-seconds", "3600") as running:
        eventually(lambda: children(running), lambda: "no trial was begun")
        (copy,) = children(running)
        assert "serve.cli" in copy


def test_a_server_that_serves_has_no_child(repository: Path) -> None:
    with serving(repository) as running:
        assert running.address
        eventually(lambda: not children(running), lambda: f"there is {children(running)}")


def test_later_a_version_is_tried_in_a_new_interpreter(repository: Path) -> None:
    with serving(repository, "--trial-seconds", "3600") as running:
        assert running.address
        eventually(lambda: not children(running), lambda: f"there is {children(running)}")
        publish_damaged(repository, tree_with_a_cycle)
        eventually(lambda: any("serve.trial_child" in each for each in children(running)), lambda: "no trial was begun")
        assert running.stop() == 0
