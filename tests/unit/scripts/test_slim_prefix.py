"""What slim_prefix takes out of a prefix, what it leaves, and that the docs name it."""

from pathlib import Path

import pytest

from scripts.slim_prefix import ORPHANS, PARTS, PROGRAMS, main, slim

DOCS = Path(__file__).parents[3] / "docs/containers.md"
ELF = b"\x7fELF"
STANDARD = "lib/python3.13"
SITE = f"{STANDARD}/site-packages"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return a prefix with an interpreter that names one of two shared libraries."""
    add(tmp_path, "bin/python3.13", ELF + b"libneeded.so.1")
    (tmp_path / "bin/python").symlink_to("python3.13")
    add(tmp_path, f"{SITE}/package/__init__.py", b"")
    (tmp_path / "lib/python3.1").symlink_to("python3.13")  # as conda-forge has it
    return tmp_path


def add(prefix: Path, name: str, content: bytes = b"x" * 100) -> Path:
    path = prefix / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "bin/bash",
        "bin/pip",
        "conda-meta/pip-26.0-pyh8b19718_0.json",
        "include/python3.13/Python.h",
        "lib/libpython.a",
        "pkgs/cache/index.json",
        "x86_64-conda-linux-gnu/bin/ld",
        f"{SITE}/numpy/_core/include/numpy/arrayobject.h",
        f"{SITE}/numpy/_core/tests/test_dtype.py",
        f"{SITE}/numpy/random/lib/libnpyrandom.a",
        f"{SITE}/onnxruntime/transformers/optimizer.py",
        f"{SITE}/pandas/tests/frame/conftest.py",
        f"{SITE}/pyarrow/includes/libarrow.pxd",
        f"{SITE}/pyarrow/src/arrow/python/csv.cc",
        f"{SITE}/pip-26.0.dist-info/METADATA",
        f"{SITE}/pip/__main__.py",
        f"{SITE}/starlette/__init__.pyi",
        f"{SITE}/sympy/core.py",
        f"{STANDARD}/ensurepip/__init__.py",
        f"{STANDARD}/test/support.py",
    ],
)
@pytest.mark.parametrize("purpose", PARTS)
def test_what_no_running_program_reads_is_removed(prefix: Path, name: str, purpose: str) -> None:
    path = add(prefix, name)

    removed = dict(slim(prefix, purpose))

    assert not path.exists()
    assert sum(removed.values()) == 100


@pytest.mark.parametrize(
    "name",
    [
        "conda-meta/numpy-2.3.0-py313h0_0.json",
        "lib/libneeded.so.1",
        "ssl/cacert.pem",
        f"{SITE}/numpy/testing/__init__.py",
        f"{SITE}/onnxruntime/capi/onnxruntime_pybind11_state.cpython-313-x86_64-linux-gnu.so",
        f"{SITE}/pipeline.py",
        f"{STANDARD}/http/client.py",
    ],
)
@pytest.mark.parametrize("purpose", PARTS)
def test_what_may_be_needed_stays(prefix: Path, name: str, purpose: str) -> None:
    path = add(prefix, name, ELF)

    assert sum(size for _, size in slim(prefix, purpose)) == 0
    assert path.exists()


def test_a_parser_that_only_training_reads_stays_in_training(prefix: Path) -> None:
    path = add(prefix, f"{SITE}/flatbuffers/__init__.py")

    list(slim(prefix, "training"))
    assert path.exists()
    list(slim(prefix, "serving"))
    assert not path.exists()


def test_training_keeps_of_arrow_what_csv_and_parquet_need(prefix: Path) -> None:
    folder = f"{SITE}/pyarrow"
    used = add(
        prefix, f"{folder}/lib.cpython-313-x86_64-linux-gnu.so", ELF + b"libarrow.so.2600 libarrow_substrait.so.2600"
    )
    kept = [add(prefix, f"{folder}/{name}") for name in ("_csv.cpython-313-x86_64-linux-gnu.so", "parquet/core.py")]
    linked = [add(prefix, f"{folder}/{name}.so.2600", ELF) for name in ("libarrow", "libarrow_substrait")]
    flight = add(prefix, f"{folder}/_flight.cpython-313-x86_64-linux-gnu.so", ELF + b"libarrow_flight.so.2600")
    beside = add(prefix, "lib/libarrow_flight.so.2600", ELF + b"libgrpc.so")  # where conda-forge has it
    other = [add(prefix, f"{folder}/{name}") for name in ("_s3fs.so", "orc.py", "substrait.py")]

    list(slim(prefix, "training"))

    assert all(path.exists() for path in [used, *kept, *linked])
    assert not any(path.exists() for path in [flight, beside, *other])


def test_a_shared_library_goes_once_the_last_that_names_it_is_gone(prefix: Path) -> None:
    second = add(prefix, f"{SITE}/onnxruntime/capi/libonnxruntime.so.1.32.0", ELF + b"libonly-for-it.so")
    first = add(prefix, "lib/libonly-for-it.so.2", ELF)
    (prefix / "lib/libonly-for-it.so").symlink_to("libonly-for-it.so.2")

    removed = dict(slim(prefix, "serving"))

    assert removed[ORPHANS] == len(ELF + b"libonly-for-it.so") + len(ELF)
    assert not second.exists()
    assert not first.exists()
    assert not (prefix / "lib/libonly-for-it.so").is_symlink()


def test_what_is_left_is_compiled_once_and_for_ever(prefix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stale = add(prefix, f"{SITE}/package/__pycache__/gone.cpython-313.pyc")

    assert main([str(prefix), "serving"]) == 0

    (compiled,) = (prefix / SITE / "package/__pycache__").iterdir()
    assert compiled.name.startswith("__init__.")
    assert not stale.exists()
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 1  # hash-based, never compared with a source
    assert "package managers" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", [PROGRAMS, ORPHANS, *sorted({part.name for parts in PARTS.values() for part in parts})]
)
def test_a_part_that_is_removed_is_named_in_the_docs(name: str) -> None:
    assert f"| {name} |" in DOCS.read_text()
