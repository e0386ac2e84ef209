"""The guard over a graph: each thing that ONNX Runtime would load, and that must never be served."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

from tests.graphs import Edit, edited, forest_attribute
from train.errors import ExportRefused
from train.export import export
from train.guard import check_graph
from train.guard import graph as guard
from train.guard.rows import ROWS
from train.guard.trees import DEEPEST_TREE, check_trees
from train.original import Original
from train.proof.bounds import Bound
from train.proof.gate import Gate
from train.schema import Schema

CANCER = load_breast_cancer()
CANCER_ROWS = CANCER.data.astype(np.float32)
FOREST = RandomForestClassifier(n_estimators=5, random_state=42).fit(CANCER_ROWS, CANCER.target)
ORIGINAL = Original(FOREST, Schema.of_numbers([str(name) for name in CANCER.feature_names]))
CONTENT = export(ORIGINAL)


def tree(proto: onnx.ModelProto, name: str) -> onnx.AttributeProto:
    return forest_attribute(proto, f"nodes_{name}")


def foreign_operator(proto: onnx.ModelProto) -> None:
    proto.opset_import.add(domain="com.microsoft", version=1)
    proto.graph.node.add(op_type="Gelu", domain="com.microsoft", input=["input"], output=["unused"])


def unvouched_operator(proto: onnx.ModelProto) -> None:
    proto.graph.node.add(op_type="NonZero", input=["input"], output=["unused"])


def zip_map(proto: onnx.ModelProto) -> None:
    proto.graph.node.add(op_type="ZipMap", domain="ai.onnx.ml", input=["probabilities"], output=["unused"])


def external_data(proto: onnx.ModelProto) -> None:
    tensor = proto.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="elsewhere.bin")


def external_data_in_an_attribute(proto: onnx.ModelProto) -> None:
    node = proto.graph.node[0]
    tensor = helper.make_tensor("outside", TensorProto.FLOAT, [1], [1.0])
    tensor.external_data.add(key="location", value="elsewhere.bin")
    node.attribute.append(helper.make_attribute("value", tensor))


def loop(proto: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    node = helper.make_node("Identity", ["input"], ["unused"])
    node.attribute.append(helper.make_attribute("body", body))
    proto.graph.node.append(node)


def function(proto: onnx.ModelProto) -> None:
    proto.functions.add(name="bomb", domain="local")


def sparse_tensor(proto: onnx.ModelProto) -> None:
    proto.graph.sparse_initializer.add()


def newer_format(proto: onnx.ModelProto) -> None:
    proto.ir_version = 14


def cycle(proto: onnx.ModelProto) -> None:
    children = tree(proto, "truenodeids")
    children.ints[int(np.flatnonzero(children.ints)[-1])] = 0


def child_that_is_not_there(proto: onnx.ModelProto) -> None:
    children = tree(proto, "falsenodeids")
    children.ints[0] = 10_000


def two_parents(proto: onnx.ModelProto) -> None:
    left, right = tree(proto, "truenodeids"), tree(proto, "falsenodeids")
    right.ints[0] = left.ints[0]


def column_out_of_range(proto: onnx.ModelProto) -> None:
    tree(proto, "featureids").ints[0] = 30


def other_comparison(proto: onnx.ModelProto) -> None:
    tree(proto, "modes").strings[0] = b"BRANCH_MEMBER"


def renumbered_node(proto: onnx.ModelProto) -> None:
    tree(proto, "nodeids").ints[1] = 7


def scattered_tree(proto: onnx.ModelProto) -> None:
    tree(proto, "treeids").ints[-1] = 0


def shorter_attribute(proto: onnx.ModelProto) -> None:
    del tree(proto, "featureids").ints[-1]


def double_input(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    proto.graph.node.insert(0, helper.make_node("Cast", ["input"], ["single"], to=TensorProto.FLOAT))
    for node in proto.graph.node[1:]:
        node.input[:] = ["single" if name == "input" else name for name in node.input]


def other_name_of_the_input(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].name = "rows"
    proto.graph.node.insert(0, helper.make_node("Identity", ["rows"], ["input"]))


def untyped_output(proto: onnx.ModelProto) -> None:
    proto.graph.output[1].type.tensor_type.elem_type = TensorProto.UNDEFINED


def untyped_input(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.UNDEFINED


def untyped_claim(proto: onnx.ModelProto) -> None:
    proto.graph.value_info.append(helper.make_tensor_value_info("claimed", TensorProto.UNDEFINED, [None]))


def no_input(proto: onnx.ModelProto) -> None:
    rows = proto.graph.input.pop()
    proto.graph.initializer.append(helper.make_tensor(rows.name, TensorProto.FLOAT, [1, 30], [0.0] * 30))


def sparse_attribute(proto: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["unused"])
    node.attribute.add(name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR).sparse_tensor.dims.append(3)
    proto.graph.node.append(node)


def label_of_whole_numbers_of_32_bits(proto: onnx.ModelProto) -> None:
    rename_output(proto, "label")
    proto.graph.node.append(helper.make_node("Cast", ["label/inner"], ["label"], to=TensorProto.INT32))
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.INT32


def label_of_two_axes(proto: onnx.ModelProto) -> None:
    rename_output(proto, "label")
    proto.graph.initializer.append(helper.make_tensor("two axes", TensorProto.INT64, [2], [-1, 1]))
    proto.graph.node.append(helper.make_node("Reshape", ["label/inner", "two axes"], ["label"]))
    proto.graph.output[0].CopyFrom(helper.make_tensor_value_info("label", TensorProto.INT64, [None, 1]))


def rename_output(proto: onnx.ModelProto, name: str) -> None:
    for node in proto.graph.node:
        node.output[:] = [f"{each}/inner" if each == name else each for each in node.output]


def fixed_batch(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def list_of_subgraphs(proto: onnx.ModelProto) -> None:
    node = helper.make_node("Identity", ["input"], ["unused"])
    node.attribute.append(helper.make_attribute("bodies", [helper.make_graph([], "body", [], [])]))
    proto.graph.node.append(node)


def training_graph(proto: onnx.ModelProto) -> None:
    proto.training_info.add()


def third_output(proto: onnx.ModelProto) -> None:
    proto.graph.output.append(helper.make_tensor_value_info("input", TensorProto.FLOAT, [None, 30]))


def no_label(proto: onnx.ModelProto) -> None:
    del proto.graph.output[0]


def very_many_operators(proto: onnx.ModelProto) -> None:
    proto.graph.node.extend(helper.make_node("Identity", ["input"], [f"copy{index}"]) for index in range(2_000))


def joined_rows(proto: onnx.ModelProto) -> None:
    proto.graph.node.append(helper.make_node("Concat", ["input", "input"], ["twice"], axis=0))


def doubling(proto: onnx.ModelProto) -> None:
    """Make each row 2**40 times as wide."""
    for index in range(40):
        before = f"wide{index - 1}" if index else "input"
        proto.graph.node.append(helper.make_node("Concat", [before, before], [f"wide{index}"], axis=1))


def fewer_thresholds(proto: onnx.ModelProto) -> None:
    del tree(proto, "values").floats[-1]


def missing_producer(proto: onnx.ModelProto) -> None:
    del proto.graph.node[0]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (foreign_operator, "imports operators of com.microsoft"),
        (unvouched_operator, "NonZero is not vouched for"),
        (zip_map, "zipmap=False"),
        (external_data, "data in another file"),
        (external_data_in_an_attribute, "data in another file"),
        (loop, "holds a subgraph"),
        (list_of_subgraphs, "holds a subgraph"),
        (training_graph, "another graph, for training"),
        (third_output, "must give label and probabilities, or label, or prediction, and nothing else"),
        (no_label, "must give label and probabilities, or label, or prediction, and nothing else"),
        (label_of_whole_numbers_of_32_bits, "the output label has another type or shape"),
        (label_of_two_axes, "the output label has another type or shape"),
        (sparse_attribute, "the graph holds sparse tensors"),
        (other_name_of_the_input, "must take `input`"),
        (no_input, "takes no rows"),
        (untyped_input, "must take `input`, float32 rows"),
        (untyped_output, "does not say of which type probabilities is"),
        (untyped_claim, "does not say of which type claimed is"),
        (very_many_operators, "operators; 1,000 are the most"),
        (joined_rows, "Concat joins rows"),
        (doubling, "rows of more than"),
        (fewer_thresholds, "different lengths"),
        (function, "functions of its own"),
        (sparse_tensor, "sparse"),
        (newer_format, "IR version"),
        (cycle, "a cycle"),
        (child_that_is_not_there, "a child that is not there"),
        (two_parents, "two parents"),
        (column_out_of_range, "a column that the input does not have"),
        (other_comparison, "compare in a way that is not known"),
        (renumbered_node, "not numbered"),
        (scattered_tree, "not together"),
        (shorter_attribute, "different lengths"),
        (double_input, "must take `input`, float32 rows"),
        (fixed_batch, "any number of rows"),
        (missing_producer, "not valid ONNX"),
    ],
)
def test_a_graph_with_it_is_refused_with_its_reason(edit: Edit, reason: str) -> None:
    with pytest.raises(ExportRefused, match=reason):
        check_graph(edited(CONTENT, edit))


@pytest.mark.parametrize("edit", [foreign_operator, external_data, cycle])
def test_the_gate_lets_no_such_graph_pass(edit: Edit) -> None:
    with pytest.raises(ExportRefused):
        Gate(ORIGINAL, edited(CONTENT, edit), Bound(0.0), CANCER_ROWS)


def test_a_very_deep_tree_is_refused() -> None:
    size = 2 * DEEPEST_TREE + 3
    nodes = np.arange(size)
    branch = nodes % 2 == 0
    branch[-1] = False
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["input"],
        ["label"],
        domain="ai.onnx.ml",
        nodes_treeids=[0] * size,
        nodes_nodeids=nodes.tolist(),
        nodes_featureids=[0] * size,
        nodes_modes=np.where(branch, "BRANCH_LEQ", "LEAF").tolist(),
        nodes_truenodeids=np.where(branch, nodes + 1, 0).tolist(),
        nodes_falsenodeids=np.where(branch, nodes + 2, 0).tolist(),
    )
    with pytest.raises(ExportRefused, match="deep"):
        check_trees(node, (ROWS, 1))


def test_a_name_that_is_no_text_is_told() -> None:
    with pytest.raises(ExportRefused, match="a name in it is no text"):
        check_graph(CONTENT.replace(b"probabilities", b"probabilitie\xff"))


def test_a_model_beyond_the_size_that_is_served_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "LARGEST_MODEL", len(CONTENT) - 1)
    with pytest.raises(ExportRefused, match="bytes, more than"):
        check_graph(CONTENT)


def test_what_the_exporter_writes_passes() -> None:
    assert check_graph(CONTENT).graph.name == "copse"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_never_crash(content: bytes) -> None:
    with pytest.raises(ExportRefused):
        check_graph(content)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 8 * len(CONTENT) - 1))
def test_a_flipped_bit_is_refused_or_leaves_sound_trees(bit: int) -> None:
    damaged = bytearray(CONTENT)
    damaged[bit // 8] ^= 1 << bit % 8
    try:
        proto = check_graph(bytes(damaged))
    except ExportRefused:
        return
    left, right = (np.array(tree(proto, f"{side}nodeids").ints) for side in ("true", "false"))
    nodes = np.array(tree(proto, "nodeids").ints)
    branches = np.array(tree(proto, "modes").strings) != b"LEAF"
    assert (left[branches] > nodes[branches]).all()
    assert (right[branches] > nodes[branches]).all()
