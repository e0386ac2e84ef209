"""Bodies of inference requests, as a client of the Open Inference Protocol makes them."""

import json
import struct
from typing import Any, Literal, NamedTuple

import numpy as np

from serve.inference.tensor import DATATYPES

Form = Literal["flat", "nested", "binary"]


class Sent(NamedTuple):
    """An input that is sent; in `values` a missing number is None, as in JSON, or NaN."""

    name: str
    datatype: str
    shape: list[int]
    values: list[Any]


class Body(NamedTuple):
    """A body, and the length of its JSON where that is not all of it."""

    content: bytes
    header_length: int | None

    @property
    def headers(self) -> dict[str, str]:
        """Return what a client declares."""
        if self.header_length is None:
            return {"content-type": "application/json"}
        return {
            "content-type": "application/octet-stream",
            "inference-header-content-length": str(self.header_length),
        }


def infer_body(inputs: list[Sent], form: Form = "flat", **members: Any) -> Body:
    """Return the body that sends all inputs in one form."""
    described, behind = [], b""
    for sent in inputs:
        if form == "binary":
            raw = raw_of(sent)
            data: dict[str, Any] = {"parameters": {"binary_data_size": len(raw)}}
            behind += raw
        else:
            data = {"data": nested(sent) if form == "nested" else sent.values}
        described.append({"name": sent.name, "datatype": sent.datatype, "shape": sent.shape} | data)
    content = json.dumps({"inputs": described} | members).encode()
    return Body(content + behind, len(content) if form == "binary" else None)


def nested(sent: Sent) -> list[Any]:
    """Return an input's values as its shape nests them."""
    if len(sent.shape) == 1:
        return sent.values
    width = sent.shape[1]
    return [sent.values[start : start + width] for start in range(0, len(sent.values), width)]


def raw_of(sent: Sent) -> bytes:
    """Return an input's values as bytes."""
    if sent.datatype == "BYTES":
        texts = [(value or "").encode() for value in sent.values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    if sent.datatype == "BF16":
        return b"".join(struct.pack("<f", value)[2:] for value in sent.values)
    values = [float("nan") if value is None else value for value in sent.values]
    return np.array(values, DATATYPES[sent.datatype]).tobytes()


def read_binary(content: bytes, header_length: int | None) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a response's JSON, and the bytes of each output that has its data behind it."""
    head = content if header_length is None else content[:header_length]
    told, behind, found = json.loads(head), content[len(head) :], {}
    for output in told["outputs"]:
        if "parameters" in output:
            size = output["parameters"]["binary_data_size"]
            found[output["name"]], behind = behind[:size], behind[size:]
    assert not behind
    return told, found
