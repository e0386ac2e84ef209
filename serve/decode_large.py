"""From a large request's JSON to rows, piece by piece: the model answers the first while the others are decoded."""

from collections.abc import Iterator

import msgspec
import numpy as np

from serve.decode import decode
from serve.onnx_runtime import Inputs
from serve.pieces import PIECE_BYTES, JsonList, NotTaken, instances_of, numbers_in_pieces
from serve.signature import Signature

_decoder = msgspec.json.Decoder(list[list[float]])
_decoder_with_missing = msgspec.json.Decoder(list[list[float | None]])


def decode_large(body: bytes, signature: Signature, max_rows: int) -> Iterator[Inputs] | None:
    """Return the rows of `instances`, some at a time, or None where `decode` has to be asked; it finds the same.

    Raises as `decode` does, once rows are asked for.
    """
    if len(body) <= PIECE_BYTES or signature.texts:
        return None
    try:
        given = instances_of(body)
    except NotTaken:
        return None
    return _rows(given, signature, max_rows)


def _rows(given: JsonList, signature: Signature, max_rows: int) -> Iterator[Inputs]:
    decoder = _decoder_with_missing if signature.any_missing else _decoder
    done = 0
    try:
        for rows in numbers_in_pieces(given, decoder, np.float32, len(signature.names)):
            if done + len(rows) > max_rows:
                break
            done += len(rows)
            yield rows
        else:
            return
    except NotTaken:
        pass
    yield decode(given.text, signature, max_rows).rows[done:]  # rows by name; or it raises, too many or wrong ones
