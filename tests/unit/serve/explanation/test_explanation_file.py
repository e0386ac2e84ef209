"""A file that is not what a training writes is refused; nothing it says of itself is believed."""

import asyncio
import io
import zipfile
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

from model_repository import ExplanationFile, PublishedVersion, Scale
from serve.errors import ModelRefused
from serve.explanation.file import read_regions
from serve.explanation.shapley import ShapleyValues
from serve.model import LoadedModel
from serve.trial import Trials

Arrays = dict[str, npt.NDArray[Any]]
Change = Callable[[Arrays], Any]


def arrays_of(content: bytes) -> Arrays:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def saved(arrays: Arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type] # numpy's stubs take the keyword allow_pickle for one of these
    return file.getvalue()


def vouched_for(published: PublishedVersion, content: bytes, scale: Scale = "probability") -> PublishedVersion:
    """Return the version with another explanation, and a manifest that describes it."""
    described = msgspec.structs.replace(published.manifest, explanation=ExplanationFile.of(content, scale))
    return published._replace(manifest=described, explanation=content)


def test_numpy_reads_what_training_writes(published: PublishedVersion) -> None:
    assert published.explanation
    arrays = arrays_of(published.explanation)
    regions = read_regions(published.explanation, 2, 30)

    assert list(arrays) == list(regions._fields)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, getattr(regions, name))


CONTRADICTIONS: list[tuple[str, Change]] = [
    ("a column that is not there", lambda arrays: arrays["columns"].__setitem__(3, 30)),
    ("a share of nothing", lambda arrays: arrays["shares"].__setitem__(3, 0.0)),
    ("a share that is no number", lambda arrays: arrays["shares"].__setitem__(3, np.nan)),
    ("a share of more than all", lambda arrays: arrays["shares"].__setitem__(3, 1.5)),
    ("an infinite value", lambda arrays: arrays["values"].__setitem__((0, 0), np.inf)),
    ("a mean that is no number", lambda arrays: arrays["base"].__setitem__(0, np.nan)),
    ("more columns than follow", lambda arrays: arrays["widths"].__setitem__(-1, 29)),
    ("leaves in another order", lambda arrays: arrays.update(widths=arrays["widths"][::-1].copy())),
    ("a leaf without columns", lambda arrays: arrays["widths"].__setitem__(0, 0)),
    ("bounds that are missing", lambda arrays: arrays.update(low=arrays["low"][:-1])),
    ("parts that are missing", lambda arrays: arrays["parts"].__setitem__(0, 2)),
    ("a third class", lambda arrays: arrays.update(values=np.ones((len(arrays["values"]), 3)))),
    ("values in one row", lambda arrays: arrays.update(values=arrays["values"].ravel())),
    ("bounds of two precisions", lambda arrays: arrays.update(low=arrays["low"].astype(np.float64))),
]
UNREADABLE: list[tuple[str, Change]] = [
    ("an array that is missing", lambda arrays: arrays.pop("low")),
    ("numbers of another kind", lambda arrays: arrays.update(shares=arrays["shares"].astype(np.float32))),
    ("columns too wide", lambda arrays: arrays.update(columns=arrays["columns"].astype(np.uint64))),
    ("signed columns", lambda arrays: arrays.update(columns=arrays["columns"].astype(np.int64))),
    ("objects", lambda arrays: arrays.update(values=arrays["values"].astype(object))),
    ("texts", lambda arrays: arrays.update(features=arrays["features"].astype(str))),
    ("records", lambda arrays: arrays.update(base=np.zeros(2, dtype=[("a", "f8")]))),
    ("the other order of bytes", lambda arrays: arrays.update(base=arrays["base"].astype(">f8"))),
    ("columns first", lambda arrays: arrays.update(values=np.asfortranarray(arrays["values"]))),
]


def refused_for(published: PublishedVersion, change: Change, reason: str) -> None:
    assert published.explanation
    arrays = arrays_of(published.explanation)
    change(arrays)
    with pytest.raises(ModelRefused, match=reason):
        read_regions(saved(arrays), 2, 30)


@pytest.mark.parametrize("change", [pytest.param(change, id=what) for what, change in CONTRADICTIONS])
def test_arrays_that_do_not_fit_together_are_refused(published: PublishedVersion, change: Change) -> None:
    refused_for(published, change, "its explanation contradicts itself or the manifest")


@pytest.mark.parametrize("change", [pytest.param(change, id=what) for what, change in UNREADABLE])
def test_arrays_of_another_kind_are_refused(published: PublishedVersion, change: Change) -> None:
    refused_for(published, change, "its explanation cannot be read")


def with_header(content: bytes, header: str) -> bytes:
    """Return the file with another description of one of its arrays."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as read, zipfile.ZipFile(file, "w") as written:
        for entry in read.infolist():
            raw = read.read(entry)
            if entry.filename == "shares.npy":
                raw = (
                    raw[:8]
                    + len(header).to_bytes(2, "little")
                    + header.encode()
                    + raw[10 + int.from_bytes(raw[8:10], "little") :]
                )
            written.writestr(entry.filename, raw)
    return file.getvalue()


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,), }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n",
        "{'descr': '|O', 'fortran_order': False, 'shape': (20758,), }\n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1.5,), }\n",
        "{'descr': '<f8', 'fortran_order': False}\n",
        "__import__('os').abort()\n",
        "(" * 400 + "\n",
        "9**9**9" + " " * 3_000,
        "",
    ],
)
def test_a_header_that_lies_is_refused_without_the_memory_it_asks_for(published: PublishedVersion, header: str) -> None:
    assert published.explanation
    with pytest.raises(ModelRefused, match="its explanation cannot be read"):
        read_regions(with_header(published.explanation, header), 2, 30)


def test_what_is_compressed_or_no_archive_or_cut_off_is_refused(published: PublishedVersion) -> None:
    assert published.explanation
    arrays, file = arrays_of(published.explanation), io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    more = io.BytesIO(published.explanation)
    with zipfile.ZipFile(more, "a") as archive:
        archive.writestr("more.npy", b"")
    contents = [file.getvalue(), more.getvalue(), b"", b"no archive"]
    contents += [published.explanation[:-40], published.explanation[:1_000], published.explanation + b"!"]

    for content in contents:
        with pytest.raises(ModelRefused, match="its explanation cannot be read"):
            read_regions(content, 2, 30)


def test_a_flipped_bit_is_refused_and_in_an_archive_that_vouches_for_it_refused_or_harmless(
    published: PublishedVersion,
) -> None:
    assert published.explanation
    random, refused = np.random.default_rng(0), 0
    for place in random.integers(0, 8 * len(published.explanation), 100).tolist():
        with pytest.raises(ModelRefused):
            read_regions(flipped(published.explanation, place), 2, 30)
    for name in [*arrays_of(published.explanation)] * 20:
        arrays = arrays_of(published.explanation)
        raw, dtype = arrays[name].tobytes(), arrays[name].dtype
        arrays[name] = np.frombuffer(flipped(raw, int(random.integers(8 * len(raw)))), dtype).reshape(
            arrays[name].shape
        )
        try:
            regions = read_regions(saved(arrays), 2, 30)
        except ModelRefused:
            refused += 1
            continue
        if regions.features.max() < 30:
            assert ShapleyValues(regions, 30).of(np.zeros((1, 30), np.float32)).shape == (1, 30, 2)
    assert 20 < refused < 180


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_one_that_does_not_add_up_to_the_answers_is_refused(published: PublishedVersion) -> None:
    assert published.explanation
    arrays = arrays_of(published.explanation)
    arrays["base"] += 2e-6
    with pytest.raises(ModelRefused, match="its explanation does not add up to its answers"):
        LoadedModel(vouched_for(published, saved(arrays)))
    with pytest.raises(ModelRefused, match="its explanation does not add up to its answers"):
        LoadedModel(vouched_for(published, published.explanation, "log-odds"))


def test_one_of_features_that_are_not_there_is_refused(published: PublishedVersion) -> None:
    assert published.explanation
    arrays = arrays_of(published.explanation)
    arrays["features"][5] = 200
    with pytest.raises(ModelRefused, match="its explanation is of other features than the model's"):
        LoadedModel(vouched_for(published, saved(arrays)))


async def _tried(published: PublishedVersion) -> None:
    await Trials().try_out(published, 20)


def test_the_trial_has_the_explanation_too(published: PublishedVersion) -> None:
    asyncio.run(_tried(published))
    with pytest.raises(ModelRefused, match="its explanation cannot be read"):
        asyncio.run(_tried(vouched_for(published, b"no archive")))
