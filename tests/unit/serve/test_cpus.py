"""The number of CPUs follows the container's quota, which os.cpu_count() does not see."""

import os
from pathlib import Path

import pytest

from serve.cpus import container_cpus

USABLE = len(os.sched_getaffinity(0))


def group(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_max", ".max").replace("cpu_cfs", "cpu.cfs")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({"cpu_max": "100000 100000\n"}, 1),
        ({"cpu_max": "50000 100000\n"}, 1),
        ({"cpu_max": "150000 100000\n"}, min(2, USABLE)),
        ({"cpu_max": "99900000 100000\n"}, USABLE),
        ({"cpu_max": "max 100000\n"}, USABLE),
        ({"cpu_max": "nonsense"}, USABLE),
        ({"cpu__cpu_cfs_quota_us": "50000\n", "cpu__cpu_cfs_period_us": "100000\n"}, 1),
        ({"cpu__cpu_cfs_quota_us": "-1\n", "cpu__cpu_cfs_period_us": "100000\n"}, USABLE),
        ({}, USABLE),
    ],
)
def test_the_quota_is_rounded_up_and_bounded_by_what_may_be_used(
    tmp_path: Path, files: dict[str, str], cpus: int
) -> None:
    assert container_cpus(group(tmp_path, **files)) == cpus
