"""An ONNX file made elsewhere: read, and refused with a way out where it holds what is never published."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from model_repository import LARGEST_MODEL
from train.errors import BadEstimator
from train.guard.graph import has_readable_names

PREFIX = "model/"  # before all names of an imported graph once it is served, so that none of them is one of ours
STANDARD = {"": "", "ai.onnx": "", "ai.onnx.ml": "ai.onnx.ml"}


def read_model(path: Path) -> onnx.ModelProto:
    """Return the model in a file, with the standard operators' domains under the names that they usually have.

    Raises:
        BadEstimator: there is none, or it cannot be published whatever is done here.

    """
    if not path.is_file():
        raise BadEstimator(f"there is no file {path}")
    if path.stat().st_size > LARGEST_MODEL:
        size = f"{path.stat().st_size:,} bytes, more than the {LARGEST_MODEL:,} that are served"
        raise BadEstimator(f"{path} has {size}; make the model smaller, such as by fewer trees")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except DecodeError:
        raise BadEstimator(f"{path} is no ONNX model, or a damaged one") from None
    if not has_readable_names(model):
        raise BadEstimator(f"{path} is a damaged ONNX model: a name in it is no text")
    if not model.graph.node:
        raise BadEstimator(f"{path} is no ONNX model, or an empty one")
    _check(path, model)
    _use_usual_domains(path, model)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise BadEstimator(f"{path} is not valid ONNX: {str(error).splitlines()[0]}") from None
    return model


def _check(path: Path, model: onnx.ModelProto) -> None:
    if model.functions:
        raise BadEstimator(f"{path} defines functions; put them into the graph with onnx.inliner, and import that")
    for node in model.graph.node:
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise BadEstimator(
                f"{path} holds a subgraph ({node.op_type}), which could loop without end; nearest neighbours and loops "
                "are exported so, and cannot be imported"
            )
    tensors = [*model.graph.initializer]
    tensors += [each for node in model.graph.node for attribute in node.attribute for each in _tensors(attribute)]
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data for tensor in tensors):
        raise BadEstimator(f"{path} keeps data in other files; save it as one, with save_as_external_data=False")


def _tensors(attribute: onnx.AttributeProto) -> list[onnx.TensorProto]:
    return [*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors]


def _use_usual_domains(path: Path, model: onnx.ModelProto) -> None:
    foreign = sorted({node.domain for node in model.graph.node if node.domain not in STANDARD})
    if foreign:
        raise BadEstimator(
            f"{path} uses operators of {', '.join(foreign)}, which are not standard; export it with those of ai.onnx "
            "and ai.onnx.ml only, and not optimized for one runtime"
        )
    for node in model.graph.node:
        node.domain = STANDARD[node.domain]
    versions = {STANDARD[each.domain]: each.version for each in model.opset_import if each.domain in STANDARD}
    del model.opset_import[:]
    for domain, version in sorted(versions.items()):
        model.opset_import.add(domain=domain, version=version)
