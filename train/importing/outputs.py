"""What the graph gives: a class with its probabilities, a class alone, or a number; and which classes there are."""

from dataclasses import dataclass, replace
from typing import Any

import onnx
from onnx import TensorProto, helper, numpy_helper

from train.errors import BadEstimator
from train.importing.read import PREFIX
from train.onnx_runtime import FEATURES, LABEL, PREDICTION, PROBABILITIES

_LABELS = {TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL, TensorProto.STRING}
_NUMBERS = {TensorProto.FLOAT, TensorProto.DOUBLE}
_WAY_OUT = "one class with its probabilities, a class alone, or one number a row can be served"


@dataclass(frozen=True)
class Given:
    """The tensors of a graph that are its answers, and the classes in the order of the probabilities.

    A regression has no label and no classes; some classifiers have no probabilities.
    """

    label: str | None
    numbers: str | None
    classes: tuple[int | str, ...]
    texts: bool = False

    @property
    def without_probabilities(self) -> "Given":
        """Return the same classifier, of which only the class is asked."""
        return replace(self, numbers=None)


def find(model: onnx.ModelProto) -> Given:
    """Return what a graph gives, the numbers in front of a ZipMap in its place.

    Raises:
        BadEstimator: it is nothing that can be served, or its classes cannot be found.

    """
    zipped = {node.output[0]: node for node in model.graph.node if node.op_type == "ZipMap"}
    labels, numbers = [], []
    for value in _answers(model.graph):
        kind = value.type.tensor_type.elem_type
        if value.name in zipped:
            numbers.append(zipped[value.name].input[0])
        elif kind in _LABELS:
            labels.append(value)
        elif kind in _NUMBERS:
            numbers.append(value.name)
        else:
            raise BadEstimator(f"the graph's output {value.name} is no tensor of numbers or texts; {_WAY_OUT}")
    if len(labels) > 1 or len(numbers) > 1 or not model.graph.output:
        raise BadEstimator(f"the graph has {len(model.graph.output)} outputs; {_WAY_OUT}")
    if not labels:
        _check_regression(model)
        return Given(None, numbers[0], ())
    classes = next((found for node in zipped.values() if (found := _listed(node))), ()) or _classes(
        model, labels[0].name
    )
    texts = labels[0].type.tensor_type.elem_type == TensorProto.STRING
    if len(classes) < 2 or texts != isinstance(classes[0], str):
        raise BadEstimator("the graph does not say which classes there are; export it with ZipMap (zipmap=True)")
    return Given(labels[0].name, numbers[0] if numbers else None, classes, texts)


def _answers(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """Return the outputs but for the features that an export of ours gives beside its answers."""
    others = [value for value in graph.output if value.name != FEATURES]
    ours = others and {value.name for value in others} <= {LABEL, PROBABILITIES, PREDICTION}
    return others if ours else list(graph.output)


def wire(given: Given) -> onnx.GraphProto:
    """Return a graph from a graph's answers to those that are served."""
    graph = onnx.GraphProto()
    if given.label is None:
        _add(graph, "Cast", PREFIX + (given.numbers or ""), PREDICTION, [-1, 1], to=TensorProto.FLOAT)
        graph.output.append(helper.make_tensor_value_info(PREDICTION, TensorProto.FLOAT, [None, 1]))
        return graph
    if given.texts:
        _add(graph, "Identity", PREFIX + given.label, LABEL, [-1])
    else:
        _add(graph, "Cast", PREFIX + given.label, LABEL, [-1], to=TensorProto.INT64)
    kind = TensorProto.STRING if given.texts else TensorProto.INT64
    graph.output.append(helper.make_tensor_value_info(LABEL, kind, [None]))
    if given.numbers is not None:
        shape = [None, len(given.classes)]
        graph.node.append(helper.make_node("Cast", [PREFIX + given.numbers], [PROBABILITIES], to=TensorProto.FLOAT))
        graph.output.append(helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, shape))
    return graph


def _add(graph: onnx.GraphProto, kind: str, source: str, output: str, shape: list[int], **attributes: Any) -> None:
    """Add an operator, and one that gives its output the shape that is served."""
    plain, sizes = f"{output}/plain", f"{output}/shape"
    graph.initializer.append(helper.make_tensor(sizes, TensorProto.INT64, [len(shape)], shape))
    graph.node.append(helper.make_node(kind, [source], [plain], **attributes))
    graph.node.append(helper.make_node("Reshape", [plain, sizes], [output]))


def _check_regression(model: onnx.ModelProto) -> None:
    shape = model.graph.output[0].type.tensor_type.shape.dim
    if len(shape) > 2 or (len(shape) == 2 and shape[1].dim_value > 1):
        raise BadEstimator(
            f"the graph gives {shape[-1].dim_value:,} numbers a row and no class; {_WAY_OUT}: a "
            "classifier must give its class as well, as int64 or text"
        )


def _listed(node: onnx.NodeProto) -> tuple[int | str, ...]:
    """Return the classes that a node's attributes list, each once."""
    for attribute in node.attribute:
        if attribute.name in ("classlabels_int64s", "classlabels_ints") and attribute.ints:
            return tuple(dict.fromkeys(attribute.ints))
        if attribute.name == "classlabels_strings" and attribute.strings:
            return tuple(dict.fromkeys(text.decode(errors="replace") for text in attribute.strings))
    return ()


def _classes(model: onnx.ModelProto, label: str) -> tuple[int | str, ...]:
    """Go back from the label to what lists the classes: a classifier's attribute, or a table that is looked up."""
    makers = {output: node for node in model.graph.node for output in node.output}
    tables = {tensor.name: tensor for tensor in model.graph.initializer}
    reached, ahead = {label}, [label]
    while ahead:
        node = makers.get(ahead.pop(0))
        if node is None:
            continue
        if found := _listed(node) or _looked_up(node, tables):
            return found
        ahead += [name for name in node.input if name not in reached]
        reached.update(node.input)
    return ()


def _looked_up(node: onnx.NodeProto, tables: dict[str, onnx.TensorProto]) -> tuple[int | str, ...]:
    if node.op_type not in ("ArrayFeatureExtractor", "Gather") or node.input[0] not in tables:
        return ()
    values = numpy_helper.to_array(tables[node.input[0]]).reshape(-1).tolist()
    return tuple(value.decode() if isinstance(value, bytes) else value for value in values)
