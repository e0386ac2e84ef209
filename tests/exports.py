"""Exports as others make them: by skl2onnx's own converters, whether or not this project's are registered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import onnx
from skl2onnx import _parse as parsers
from skl2onnx import _supported_operators as operators
from skl2onnx import to_onnx


def default_export(*arguments: Any, **options: Any) -> onnx.ModelProto:
    """Return what `skl2onnx.to_onnx` gives to whoever does not have this project."""
    with _own_converters():
        proto: onnx.ModelProto = to_onnx(*arguments, **options)
        return proto


@contextmanager
def _own_converters() -> Iterator[None]:
    """Give skl2onnx its own names of converters, and its own parsers, for a while."""
    maps = [
        (operators.sklearn_operator_name_map, operators.build_sklearn_operator_name_map()),
        (parsers.sklearn_parsers_map, parsers.build_sklearn_parsers_map()),
    ]
    registered = [dict(current) for current, _ in maps]
    for current, own in maps:
        current.clear()
        current.update(own)
    try:
        yield
    finally:
        for (current, _), before in zip(maps, registered, strict=True):
            current.clear()
            current.update(before)
