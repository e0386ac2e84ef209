"""A graph as it is served: its own operators between those that bring rows to it and take answers from it."""

from collections.abc import Sequence

import onnx
from onnx import helper

from train.guard.graph import LARGEST_IR_VERSION
from train.importing import inputs, outputs
from train.importing.read import PREFIX

LEAST_IR_VERSION = 8  # that of opset 17; what older files hold is read alike
OPSET = 17  # where a file names none for the operators that are added


def served_graph(
    model: onnx.ModelProto, taken: Sequence[inputs.Taken], columns: Sequence[str], given: outputs.Given
) -> bytes:
    """Return the bytes of a model that takes rows of the columns, and gives what is served."""
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    opsets.setdefault("", OPSET)
    before = inputs.wire(taken, columns, opsets[""])
    after = outputs.wire(given)
    graph = helper.make_graph(
        [*before.node, *_renamed_nodes(model), *after.node],
        "imported",
        before.input,
        after.output,
        [*before.initializer, *_renamed_tensors(model), *after.initializer],
    )
    served = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(*entry) for entry in sorted(opsets.items())],
        ir_version=min(max(model.ir_version, LEAST_IR_VERSION), LARGEST_IR_VERSION),
        producer_name=model.producer_name,
        producer_version=model.producer_version,
    )
    content: bytes = served.SerializeToString(deterministic=True)
    return content


def _renamed_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """Return the operators but for ZipMap, which gives no tensors."""
    nodes = []
    for node in model.graph.node:
        if node.op_type != "ZipMap":
            renamed = onnx.NodeProto()
            renamed.CopyFrom(node)
            renamed.input[:] = [PREFIX + name if name else "" for name in node.input]
            renamed.output[:] = [PREFIX + name if name else "" for name in node.output]
            nodes.append(renamed)
    return nodes


def _renamed_tensors(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """Return the constants that an operator takes; ONNX Runtime warns of others."""
    taken = {name for node in model.graph.node for name in node.input}
    tensors = []
    for tensor in (each for each in model.graph.initializer if each.name in taken):
        renamed = onnx.TensorProto()
        renamed.CopyFrom(tensor)
        renamed.name = PREFIX + tensor.name
        tensors.append(renamed)
    return tensors
