"""gzip and deflate: bodies are decompressed piece by piece, and answers compressed where a client asks for it."""

import zlib
from collections.abc import Iterable, Iterator

from serve.errors import Malformed, WrongMediaType

PIECE = 64 * 2**10  # bytes of a body that are decompressed at once
MOST_MEMBERS = 100  # that a gzip body may consist of
WORTH_IT = 1024  # bytes of an answer; a smaller one fits into a packet anyway
_FAST = 1  # of zlib's levels: most of what the best one saves, in a fraction of its time
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_ENCODINGS = ("gzip", "deflate")


def encoding_of(declared: str) -> str | None:
    """Return how a body is compressed, by its Content-Encoding, or None if it is not.

    Raises:
        WrongMediaType: in a way that is not taken.

    """
    name = declared.strip().lower()
    if name == "identity":
        return None
    if name not in _WINDOWS:
        raise WrongMediaType("the body must be sent as it is, or compressed with gzip or deflate")
    return name


def decompressed(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield a body in pieces of at most PIECE bytes, some of them empty.

    Raises:
        Malformed: it is not compressed as it is declared to be, or ends too early.

    """
    inflater, members = zlib.decompressobj(_WINDOWS[encoding]), 1
    for chunk in chunks:
        left = chunk
        while left:  # what zlib still has to give comes before the checksum, which is then not read yet
            if inflater.eof:
                members += 1
                if encoding == "deflate" or members > MOST_MEMBERS:
                    raise _malformed(encoding)
                inflater = zlib.decompressobj(_WINDOWS[encoding])
            try:
                piece = inflater.decompress(left, PIECE)
            except zlib.error:
                raise _malformed(encoding) from None
            left = inflater.unconsumed_tail or inflater.unused_data
            yield piece
    if not inflater.eof:
        raise Malformed(f"the body ends before its {encoding} data does")


def _malformed(encoding: str) -> Malformed:
    return Malformed(f"the body is not what {encoding} makes")


def compressed(content: bytes, accepted: str | None, media_type: str) -> tuple[bytes, dict[str, str]]:
    """Return an answer's content, compressed where that is worth it and accepted, and the headers that describe it."""
    headers = {"content-type": media_type}
    if len(content) < WORTH_IT:
        return content, headers
    headers["vary"] = "accept-encoding"
    encoding = _preferred(accepted) if accepted else None
    if not encoding:
        return content, headers
    deflater = zlib.compressobj(_FAST, wbits=_WINDOWS[encoding])
    return deflater.compress(content) + deflater.flush(), headers | {"content-encoding": encoding}


def _preferred(accepted: str) -> str | None:
    """Return the encoding that an Accept-Encoding header prefers, gzip among equals, or None for as it is."""
    weights: dict[str, float] = {}
    for part in accepted.split(","):
        name, _, parameter = part.partition(";")
        weights[name.strip().lower()] = _weight(parameter)
    others = weights.get("*", 0.0)
    best = max(_ENCODINGS, key=lambda name: weights.get(name, others))
    weight = weights.get(best, others)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def _weight(parameter: str) -> float:
    """Return a q-value; what is none counts as 0."""
    if not parameter.strip():
        return 1.0
    name, _, value = parameter.partition("=")
    try:
        return float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
