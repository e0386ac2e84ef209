"""What a server knows of its models, in the words of the Open Inference Protocol's repository extension."""

from collections.abc import Mapping
from typing import Any

from serve.slot import Slot, Tried

READY, UNAVAILABLE = "READY", "UNAVAILABLE"


def index_of(slots: Mapping[str, Slot], *, ready: bool = False) -> list[dict[str, Any]]:
    """Return an entry for each version that answers and, unless only those are asked for, for each that does not."""
    entries = [entry for name in sorted(slots) for entry in entries_of(slots[name])]
    return [entry for entry in entries if entry["state"] == READY or not ready]


def entries_of(slot: Slot) -> list[dict[str, Any]]:
    """Return the entries of one model: the version that answers, what was refused, and the candidate."""
    entries = []
    if slot.serving:
        entries.append(_entry(slot.name, slot.serving.version, READY, ""))
    if slot.problem or slot.refused or not slot.serving:
        entries.append(_unavailable(slot, slot.problem or "not loaded yet"))
    if slot.shadow:
        reason = f"a candidate, compared with version {slot.shadow.live.version}; it is not served"
        entries.append(_entry(slot.name, slot.shadow.candidate.version, UNAVAILABLE, reason))
    elif slot.candidate.problem:
        entries.append(_unavailable(slot.candidate, f"the candidate is not compared: {slot.candidate.problem}"))
    return entries


def _unavailable(tried: Tried, reason: str) -> dict[str, Any]:
    return _entry(tried.name, tried.refused or "", UNAVAILABLE, reason)


def _entry(name: str, version: int | str, state: str, reason: str) -> dict[str, Any]:
    return {"name": name, "version": str(version), "state": state, "reason": reason}
