"""Reading explanation.npz: arrays in numpy's format in an uncompressed ZIP file, each checked before it is believed.

Nothing is unpacked, and no memory is taken for what the file says of itself: arrays are views of the bytes there are.
"""

import io
import re
import struct
import zipfile
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from serve.errors import ModelRefused

_HEADER = re.compile(  # as numpy writes it; its own parser takes more, and fails in more ways
    rb"\x93NUMPY\x01\x00..\{'descr': '[<|](?P<kind>[a-z][1248])', 'fortran_order': False, "
    rb"'shape': \((?P<shape>\d{1,10},(?: \d{1,10})?)\), \} *\n",
    re.DOTALL,
)
_LENGTH_OF_END, _LENGTH_OF_LARGE_END, _LONGEST_LIST = 22, 20, 1_000  # bytes of a ZIP file's last parts
_UNREADABLE = (zipfile.BadZipFile, ValueError, KeyError, RuntimeError, EOFError, OverflowError, struct.error)
_KINDS = {
    "base": b"f8",
    "values": b"f8",
    "widths": rb"u[124]",
    "columns": rb"u[124]",
    "shares": b"f8",
    "parts": rb"u[124]",
    "features": rb"u[124]",
    "low": rb"f[48]",
    "high": rb"f[48]",
    "missing": b"b1",
}
Array = npt.NDArray[Any]


class Regions(NamedTuple):
    """The leaves of all trees that have splits before them, those with the fewest columns on their path first.

    `base` [outputs] is the mean answer, `values` [leaves, outputs] what the leaves give, `widths` [leaves] how many
    columns each has. `columns`, `shares` and `parts` (how many bounds) [columns of all leaves] follow one another leaf
    by leaf, and `features`, `low`, `high` and `missing` [bounds of all of them] column by column. A feature is within
    its bounds if it is above `low` and not above `high` (NaN: no bound), or is missing where `missing` says so.
    """

    base: Array
    values: Array
    widths: Array
    columns: Array
    shares: Array
    parts: Array
    features: Array
    low: Array
    high: Array
    missing: Array


def read_regions(content: bytes, outputs: int, columns: int) -> Regions:
    """Return the arrays of a file, for a model with so many outputs and columns.

    Raises:
        ModelRefused: they are not what a training writes, or do not fit together.

    """
    try:
        _check_end(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            regions = Regions(*(_array(archive, name) for name in _KINDS))
    except _UNREADABLE as error:
        raise ModelRefused(f"its explanation cannot be read ({type(error).__name__})") from error
    if not _fit(regions, outputs, columns):
        raise ModelRefused("its explanation contradicts itself or the manifest")
    return regions


def _check_end(content: bytes) -> None:
    """Raise ValueError where the list of the archive's files is longer than that of its arrays."""
    end = struct.unpack("<4s4H2LH", content[-_LENGTH_OF_END:])
    if end[:5] != (b"PK\5\6", 0, 0, len(_KINDS), len(_KINDS)) or end[5] > _LONGEST_LIST or end[7]:
        raise ValueError
    if content[:-_LENGTH_OF_END][-_LENGTH_OF_LARGE_END:].startswith(b"PK\6\7"):
        raise ValueError


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    """Return one array as a view of its bytes.

    Raises:
        ValueError: it is compressed, of another kind, or has other bytes than its header says.

    """
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise ValueError
    raw = archive.read(entry)
    header = _HEADER.match(raw)
    if not header or not re.fullmatch(_KINDS[name], header["kind"]):
        raise ValueError
    shape = [int(size) for size in header["shape"].split(b",") if size.strip()]
    return np.frombuffer(raw, np.dtype("<" + header["kind"].decode()), offset=header.end()).reshape(shape)


def _fit(regions: Regions, outputs: int, columns: int) -> bool:
    """Say whether the arrays have the shapes that they say of each other, and all places are places."""
    leaves, slots, bounds = len(regions.values), len(regions.columns), len(regions.features)
    by_leaf, by_slot = (regions.widths,), (regions.columns, regions.shares, regions.parts)
    by_bound = (regions.features, regions.low, regions.high, regions.missing)
    shapes = (
        regions.base.shape == (outputs,)
        and regions.values.shape == (leaves, outputs)
        and all(array.shape == (leaves,) for array in by_leaf)
        and all(array.shape == (slots,) for array in by_slot)
        and all(array.shape == (bounds,) for array in by_bound)
    )
    return shapes and (
        int(regions.widths.sum(dtype=np.uint64)) == slots
        and int(regions.parts.sum(dtype=np.uint64)) == bounds
        and int(regions.widths.min(initial=1)) >= 1
        and int(regions.parts.min(initial=1)) >= 1
        and bool((regions.widths[1:] >= regions.widths[:-1]).all())
        and int(regions.columns.max(initial=0)) < columns
        and bool(((regions.shares > 0) & (regions.shares <= 1)).all())
        and bool(np.isfinite(regions.base).all() and np.isfinite(regions.values).all())
        and regions.low.dtype == regions.high.dtype
    )
