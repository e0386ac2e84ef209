"""What stands for the child process of a trial."""

from pathlib import Path
from types import SimpleNamespace


def child(folder: Path, script: str) -> SimpleNamespace:
    """Return what stands for sys in the parent: a program that is run instead of the trial."""
    program = folder / "child"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return SimpleNamespace(executable=str(program))
