"""Taking an exported graph apart, for tests that break it."""

from collections.abc import Callable

import onnx

Edit = Callable[[onnx.ModelProto], None]


def edited(content: bytes, edit: Edit) -> bytes:
    """Return the bytes of a model after an edit."""
    proto = onnx.load_model_from_string(content)
    edit(proto)
    changed: bytes = proto.SerializeToString()
    return changed


def forest_attribute(proto: onnx.ModelProto, name: str) -> onnx.AttributeProto:
    """Return an attribute of the one forest in the graph."""
    (node,) = (node for node in proto.graph.node if node.op_type.startswith("TreeEnsemble"))
    found: onnx.AttributeProto = next(attribute for attribute in node.attribute if attribute.name == name)
    return found
