"""How many CPUs this container may use; os.cpu_count() does not see a container's quota."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def container_cpus(cgroup: Path = CGROUP) -> int:
    """Return the number of CPUs of the control group's quota, rounded up, within those this process may run on.

    cgroup v2 has `cpu.max` ("max 100000" or "150000 100000"), v1 `cpu.cfs_quota_us` and `cpu.cfs_period_us`, in
    microseconds (https://docs.kernel.org/admin-guide/cgroup-v2.html).
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, period = _quota(cgroup)
    return max(1, min(usable, math.ceil(quota / period))) if quota > 0 and period > 0 else usable


def _quota(cgroup: Path) -> tuple[int, int]:
    """Return quota and period; 0 where there is no quota."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return (0, 1) if quota == "max" else (int(quota), int(period))
    except (OSError, ValueError):
        pass
    try:
        folder = cgroup / "cpu"
        return int((folder / "cpu.cfs_quota_us").read_text()), int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return 0, 1
