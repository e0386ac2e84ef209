"""gzip and deflate: what was compressed is read as it was, in small pieces; what was not is refused."""

import gzip
import itertools
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.compression import MOST_MEMBERS, PIECE, WORTH_IT, compressed, decompressed, encoding_of
from serve.errors import Malformed, WrongMediaType

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress, "x-gzip": gzip.compress}
LARGE = b"0123456789" * 100_000
GZIPPED = gzip.compress(b"{}", mtime=0)  # tests are named after it, and have the same names in each process
encodings = pytest.mark.parametrize("encoding", PACK)


def chunks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@encodings
@given(content=st.binary(max_size=5000), size=st.integers(1, 6000), repeated=st.integers(1, 200))
def test_a_body_is_read_as_it_was(encoding: str, content: bytes, size: int, repeated: int) -> None:
    content *= repeated

    pieces = list(decompressed(chunks(PACK[encoding](content), size), encoding))

    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= PIECE


@encodings
def test_a_piece_is_made_only_when_it_is_asked_for(encoding: str) -> None:
    """So whoever counts them stops a body that grows beyond all bounds."""
    bomb = PACK[encoding](bytes(100 * PIECE))

    pieces = decompressed([bomb], encoding)

    assert len(b"".join(itertools.islice(pieces, 3))) == 3 * PIECE


def test_gzip_may_have_several_members() -> None:
    content = gzip.compress(b"one, ") + gzip.compress(b"two")

    assert b"".join(decompressed(chunks(content, 7), "gzip")) == b"one, two"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", b"{}"),
        ("gzip", GZIPPED + b"{}"),
        ("gzip", zlib.compress(b"{}")),
        ("gzip", gzip.compress(b"") * (MOST_MEMBERS + 1)),
        ("deflate", GZIPPED),
        ("deflate", zlib.compress(b"{}") * 2),
        ("deflate", zlib.compress(b"{}")[:-1] + b"\x00"),
    ],
)
def test_what_is_not_so_compressed_is_refused(encoding: str, content: bytes) -> None:
    with pytest.raises(Malformed, match=f"^the body is not what {encoding} makes$"):
        list(decompressed([content], encoding))


@encodings
@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_what_is_cut_off_is_refused(encoding: str, cut: int) -> None:
    with pytest.raises(Malformed, match=f"^the body ends before its {encoding} data does$"):
        list(decompressed([PACK[encoding](LARGE)[:cut]], encoding))


@pytest.mark.parametrize("declared", ["br", "zstd", "gzip, gzip", "", "compress"])
def test_other_encodings_are_refused_with_those_that_are_taken(declared: str) -> None:
    with pytest.raises(WrongMediaType, match="gzip or deflate"):
        encoding_of(declared)


@pytest.mark.parametrize(("declared", "encoding"), [("identity", None), ("GZIP ", "gzip"), ("Deflate", "deflate")])
def test_an_encoding_is_known_however_it_is_written(declared: str, encoding: str | None) -> None:
    assert encoding_of(declared) == encoding


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip", "gzip"),
        ("GZip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate, br", "gzip"),
        ("deflate, gzip", "gzip"),
        ("gzip;q=0.5, deflate;q=0.8", "deflate"),
        ("gzip; q=0", None),
        ("gzip;q=0, deflate", "deflate"),
        ("*", "gzip"),
        ("gzip;q=0, *", "deflate"),
        ("*;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("gzip;q=high", None),
        ("gzip;level=9", None),
    ],
)
def test_an_answer_is_compressed_as_it_is_preferred(accepted: str | None, encoding: str | None) -> None:
    content, headers = compressed(LARGE, accepted, "text/plain")

    assert headers.get("content-encoding") == encoding
    assert headers["vary"] == "accept-encoding"
    unpacked = b"".join(decompressed([content], encoding)) if encoding else content
    assert unpacked == LARGE
    assert len(content) < len(LARGE) or not encoding


def test_a_small_answer_is_sent_as_it_is() -> None:
    small = LARGE[: WORTH_IT - 1]

    assert compressed(small, "gzip", "text/plain") == (small, {"content-type": "text/plain"})
    assert compressed(LARGE[:WORTH_IT], "gzip", "text/plain")[1]["content-encoding"] == "gzip"
