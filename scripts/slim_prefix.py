"""Takes out of a conda prefix what a running program never reads, says how much that was, and compiles the rest.

    python slim_prefix.py PREFIX training|serving

It runs inside an image build, with that prefix's own Python. docs/containers.md says why each part can go.
"""

import compileall
import py_compile
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROGRAMS = "programs other than Python"
ORPHANS = "shared libraries that nothing names"


class Part(NamedTuple):
    """Something that can go: its name, and the globs that find it in a prefix.

    {std} is the standard library, {site} the packages; pkg:NAME is a Python package with what conda and pip note of it.
    """

    name: str
    globs: str


EVERYWHERE = (
    Part(
        "package managers",
        """
        pkg:pip pkg:setuptools pkg:pkg_resources pkg:_distutils_hack {site}/distutils-precedence.pth pkg:wheel
        {std}/ensurepip {std}/venv pkgs
        """,
    ),
    Part(
        "test suites",
        """
        {site}/**/tests {site}/**/test {site}/**/conftest.py {std}/test {std}/*/test {std}/*/tests
        {std}/lib-dynload/_*test*.so {std}/lib-dynload/xx*.so
        """,
    ),
    Part(
        "compilers and what they read",
        """
        include {site}/**/include {site}/**/*.[ach] {site}/**/*.hpp {site}/**/*.pxd {site}/**/*.pxi {site}/**/*.pyx
        {site}/**/*.pyx.tp {site}/**/pkgconfig {site}/numpy/distutils {site}/pyarrow/src {std}/config-*
        lib/**/*.a lib/**/*.la lib/cmake lib/pkgconfig compiler_compat *-conda-linux-gnu
        """,
    ),
    Part("stubs for type checkers", "{site}/**/*.pyi"),
    Part(
        "Python for people at a terminal",
        """
        {std}/idlelib {std}/lib2to3 {std}/pydoc_data {std}/tkinter {std}/turtledemo {std}/turtle.py
        {std}/lib-dynload/_tkinter*.so lib/tcl* lib/tk* lib/itcl* lib/tdbc* lib/thread2*
        share/terminfo share/man share/doc share/info man
        """,
    ),
    Part(
        "tools of ONNX Runtime",
        """
        {site}/onnxruntime/backend {site}/onnxruntime/datasets {site}/onnxruntime/quantization
        {site}/onnxruntime/tools {site}/onnxruntime/transformers
        pkg:coloredlogs pkg:humanfriendly pkg:isympy pkg:mpmath pkg:sympy
        """,
    ),
)
TRAINING = (
    Part(
        "Arrow beyond CSV and Parquet",
        """
        {site}/pyarrow/*flight* {site}/pyarrow/_substrait* {site}/pyarrow/substrait.py {site}/pyarrow/*gandiva*
        {site}/pyarrow/*cuda* {site}/pyarrow/*orc.* {site}/pyarrow/_azurefs* {site}/pyarrow/_gcsfs*
        {site}/pyarrow/_hdfs* {site}/pyarrow/_s3fs* {site}/pyarrow/_pyarrow_cpp_tests*
        """,
    ),
)
SERVING = (
    Part("numpy's way to Fortran", "{site}/numpy/f2py"),  # in training, SciPy imports every module of numpy
    Part("parsers for those tools", "pkg:flatbuffers pkg:python-flatbuffers"),
    Part(
        "gRPC's older interfaces",
        "{site}/grpc/beta {site}/grpc/framework {site}/google/protobuf/compiler {site}/google/protobuf/util",
    ),
    Part(
        "Swagger's editor, and other forms of its pages",
        """
        {site}/swagger_ui/*.py {site}/swagger_ui/handlers {site}/swagger_ui/templates {site}/swagger_ui/static/*editor*
        {site}/swagger_ui/static/*.map {site}/swagger_ui/static/swagger-ui-es-* {site}/swagger_ui/static/swagger-ui.js
        {site}/swagger_ui/static/swagger-ui-standalone* {site}/swagger_ui/static/*.html
        """,
    ),
)
PARTS = {"training": EVERYWHERE + TRAINING, "serving": EVERYWHERE + SERVING}
PACKAGE = ("{site}/NAME", "{site}/NAME.py", "{site}/NAME-*-info", "conda-meta/NAME-[0-9]*.json")


def slim(prefix: Path, purpose: str) -> Iterator[tuple[str, int]]:
    """Remove every part; yield its name and how many bytes it had."""
    yield PROGRAMS, _remove(other_programs(prefix))
    for part in PARTS[purpose]:
        yield part.name, _remove(found(prefix, part))
    yield ORPHANS, _remove_orphans(prefix)
    yield "bytecode with time stamps", _remove(prefix.rglob("__pycache__"))


def found(prefix: Path, part: Part) -> Iterator[Path]:
    """Yield what is there of a part."""
    (standard,) = [folder for folder in prefix.glob("lib/python3.*") if not folder.is_symlink()]
    std = standard.relative_to(prefix).as_posix()
    places = {"std": std, "site": f"{std}/site-packages"}
    for word in part.globs.split():
        name = word.removeprefix("pkg:")
        for pattern in [word] if name == word else [place.replace("NAME", name) for place in PACKAGE]:
            yield from list(prefix.glob(pattern.format(**places)))


def other_programs(prefix: Path) -> Iterator[Path]:
    """Yield every program but the interpreter and its names: no shell tool, no package manager, no linker."""
    programs = prefix / "bin"
    interpreter = (programs / "python").resolve()
    yield from [program for program in programs.iterdir() if program.resolve() != interpreter]


def orphans(prefix: Path) -> list[Path]:
    """Return the shared libraries whose names occur in no other program or library: nothing links or opens them."""
    binaries = {path: path.read_bytes() for path in _binaries(prefix)}
    return [
        path
        for path in binaries
        if path.name.startswith("lib")
        and not path.name.startswith("lib.")  # lib.cpython-*.so is a module called lib
        and not any(name in content for name in _names(path) for other, content in binaries.items() if other != path)
    ]


def _binaries(prefix: Path) -> Iterator[Path]:
    for path in [*(prefix / "bin").iterdir(), *prefix.rglob("*.so*")]:
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def _names(library: Path) -> list[bytes]:
    return [path.name.encode() for path in library.parent.glob("lib*") if path.resolve() == library.resolve()]


def _remove_orphans(prefix: Path) -> int:
    removed = 0
    while unnamed := orphans(prefix):
        removed += _remove(unnamed)
    _remove(path for path in prefix.rglob("*.so*") if path.is_symlink() and not path.exists())
    return removed


def _remove(paths: Iterator[Path] | list[Path]) -> int:
    """Remove files and folders; return their size. What is inside a folder that went before is gone already."""
    removed = 0
    for path in list(paths):
        if path.is_dir() and not path.is_symlink():
            removed += sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            removed += path.lstat().st_size
            path.unlink()
    return removed


def main(arguments: list[str]) -> int:
    """Slim a prefix and print what each part had; return 0."""
    prefix, purpose = Path(arguments[0]), arguments[1]
    for name, size in slim(prefix, purpose):
        print(f"removed {size / 1e6:7.1f} MB  {name}")
    compileall.compile_dir(prefix / "lib", quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
