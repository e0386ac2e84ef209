"""What the server and its models are, in the words of the Open Inference Protocol."""

from functools import cache
from typing import Any

from serve.inference.outputs import LABEL, PROBABILITIES, label_datatype, output_names
from serve.inference.rows import takes_matrix
from serve.inference.tensor import BYTES, FP32
from serve.model import LoadedModel
from serve.onnx_runtime import NUMBERS

NAME = "copse"
EXTENSIONS = ("binary_tensor_data", "model_repository")
PLATFORM = "onnxruntime_onnx"


def server_metadata() -> dict[str, Any]:
    """Return the server's name, its version, and the extensions of the protocol that it has."""
    return {"name": NAME, "version": _version(), "extensions": list(EXTENSIONS)}


@cache  # it is read from a file
def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - it loads much, and few clients ask

    return version(NAME)


def model_metadata(model: LoadedModel) -> dict[str, Any]:
    """Return what a model takes and gives; -1 stands for any number of rows."""
    return {
        "name": model.name,
        "versions": [str(model.version)],
        "platform": PLATFORM,
        "inputs": _inputs(model),
        "outputs": [_output(name, model) for name in output_names(model)],
    }


def _inputs(model: LoadedModel) -> list[dict[str, Any]]:
    signature = model.signature
    if takes_matrix(signature):
        return [_described(NUMBERS, FP32, [-1, len(signature.names)])]
    return [
        _described(name, BYTES if index in signature.texts else FP32, [-1, 1])
        for index, name in enumerate(signature.names)
    ]


def _output(name: str, model: LoadedModel) -> dict[str, Any]:
    if name == LABEL:
        return _described(LABEL, label_datatype(model), [-1])
    return _described(name, FP32, [-1, len(model.classes) if name == PROBABILITIES else 1])


def _described(name: str, datatype: str, shape: list[int]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape}
