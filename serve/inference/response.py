"""From tensors to the body of an inference response: JSON, and behind it the bytes of those that are wanted as such."""

from collections.abc import Sequence
from typing import Any

import orjson

from serve.inference.binary import bytes_of
from serve.inference.request import InferRequest
from serve.inference.tensor import BYTES, Tensor
from serve.model import LoadedModel


def encode_response(request: InferRequest, tensors: Sequence[Tensor], model: LoadedModel) -> tuple[bytes, int | None]:
    """Return the body, and the length of its JSON where that is not all of it."""
    behind: list[bytes] = []
    outputs = []
    for tensor in tensors:
        output: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}
        if request.binary.get(tensor.name, request.others_binary):
            behind.append(bytes_of(tensor))
            output["parameters"] = {"binary_data_size": len(behind[-1])}
        else:
            flat = tensor.data.reshape(-1)
            output["data"] = flat.tolist() if tensor.datatype == BYTES else flat
        outputs.append(output)
    told: dict[str, Any] = {"model_name": model.name, "model_version": str(model.version)}
    if request.id is not None:
        told["id"] = request.id
    told["outputs"] = outputs
    content = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)
    return (b"".join([content, *behind]), len(content)) if behind else (content, None)
