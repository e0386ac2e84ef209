"""The bytes of an explanation: arrays in numpy's .npz format, uncompressed; the same regions give the same bytes."""

import io
import zipfile
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from train.explanation.regions import Regions

_WHOLE = ("widths", "columns", "parts", "features")
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP file can tell


def packed(regions: Regions) -> bytes:
    """Return the file's bytes; whole numbers are as narrow as the largest of them allows."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in asdict(regions).items():
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", _NO_TIME), _array(_narrow(array) if name in _WHOLE else array)
            )
    return file.getvalue()


def _narrow(array: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    return array.astype(np.min_scalar_type(int(array.max(initial=0))))


def _array(array: npt.NDArray[Any]) -> bytes:
    file = io.BytesIO()
    little = array.astype(array.dtype.newbyteorder("<"))
    np.lib.format.write_array(file, np.ascontiguousarray(little), version=(1, 0), allow_pickle=False)
    return file.getvalue()
