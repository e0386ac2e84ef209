"""What cannot be imported: one sentence each, an exit code, and nothing published."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from model_repository import current_version, versions
from tests.exports import default_export
from train.importing.cli import main, parser

Edit = Callable[[onnx.ModelProto], None]

COLUMNS = ["a", "b", "c"]
ROWS = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
TARGETS = (ROWS[:, 0] > 0).astype(int)
SAMPLE = pd.DataFrame(ROWS, columns=COLUMNS).assign(y=TARGETS)
FOREST = RandomForestClassifier(5, random_state=0).fit(ROWS, TARGETS)
PROTO = default_export(FOREST, ROWS[:1], target_opset={"": 17, "ai.onnx.ml": 3})


def refused(
    folder: Path, capsys: pytest.CaptureFixture[str], *more: str, model: bytes | None = None, sample: str | None = None
) -> tuple[int, str]:
    """Run an import that must fail; return its exit code and what it says."""
    (folder / "model.onnx").write_bytes(PROTO.SerializeToString() if model is None else model)
    (folder / "rows.csv").write_text(SAMPLE.to_csv(index=False) if sample is None else sample)
    files = [str(folder / "model.onnx"), "--sample", str(folder / "rows.csv"), "--models", str(folder / "models")]
    code = main([*files, "--name", "forest", *more])
    assert versions(folder / "models", "forest") == []
    said = capsys.readouterr().err
    assert said.startswith("copse-import: ")
    return code, said


def functions(proto: onnx.ModelProto) -> None:
    proto.functions.add(name="own", domain="local")


def external_data(proto: onnx.ModelProto) -> None:
    tensor = helper.make_tensor("far", TensorProto.FLOAT, [1], [1.0])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="far.bin")
    proto.graph.initializer.append(tensor)


def custom_operator(proto: onnx.ModelProto) -> None:
    proto.opset_import.add(domain="com.microsoft", version=1)
    proto.graph.node.add(op_type="Gelu", domain="com.microsoft", input=["X"], output=["unused"])


def loop(proto: onnx.ModelProto) -> None:
    node = proto.graph.node.add(op_type="Loop", input=["X"], output=["unused"])
    node.attribute.append(helper.make_attribute("body", helper.make_graph([], "body", [], [])))


def unknown_operator(proto: onnx.ModelProto) -> None:
    proto.graph.node.add(op_type="NonZero", input=["X"], output=["unused"])


def cycle(proto: onnx.ModelProto) -> None:
    (node,) = (node for node in proto.graph.node if node.op_type.startswith("TreeEnsemble"))
    children = next(each for each in node.attribute if each.name == "nodes_truenodeids")
    children.ints[int(np.flatnonzero(children.ints)[-1])] = 0


def fixed_batch(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def half_precision(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16


def three_outputs(proto: onnx.ModelProto) -> None:
    proto.graph.output.append(helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 3]))


def only_scores(proto: onnx.ModelProto) -> None:
    """As neural networks are exported: no class, a number for each."""
    (node,) = (node for node in proto.graph.node if node.op_type.startswith("TreeEnsemble"))
    del proto.graph.output[:]
    proto.graph.output.append(helper.make_tensor_value_info(node.output[1], TensorProto.FLOAT, [None, 2]))


def no_classes(proto: onnx.ModelProto) -> None:
    del proto.graph.node[:]
    proto.graph.node.append(helper.make_node("ArgMax", ["X"], ["output_label"], axis=1, keepdims=0))
    del proto.graph.output[1:]


def classes_of_another_kind(proto: onnx.ModelProto) -> None:
    no_classes(proto)
    zipped = helper.make_node("ZipMap", ["X"], ["scores"], domain="ai.onnx.ml", classlabels_strings=["x", "y", "z"])
    scores = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    proto.graph.node.append(zipped)
    proto.graph.output.append(helper.make_value_info("scores", helper.make_sequence_type_proto(scores)))


def not_finite(proto: onnx.ModelProto) -> None:
    del proto.graph.node[:], proto.graph.output[:]
    proto.graph.node.append(helper.make_node("Sqrt", ["X"], ["roots"]))
    proto.graph.node.append(helper.make_node("ReduceSum", ["roots", "axes"], ["sum"]))
    proto.graph.initializer.append(helper.make_tensor("axes", TensorProto.INT64, [1], [1]))
    proto.graph.output.append(helper.make_tensor_value_info("sum", TensorProto.FLOAT, [None, 1]))


def mixed_rows(proto: onnx.ModelProto) -> None:
    """Let every row's answer depend on the first row."""
    proto.graph.initializer.append(helper.make_tensor("first", TensorProto.INT64, [1], [0]))
    proto.graph.node.insert(0, helper.make_node("Gather", ["X", "first"], ["one row"], axis=0))
    proto.graph.node.insert(1, helper.make_node("Add", ["X", "one row"], ["sums"]))
    for node in proto.graph.node[2:]:
        node.input[:] = ["sums" if name == "X" else name for name in node.input]


REFUSALS: dict[str, tuple[Edit, int, str]] = {
    "functions": (functions, 2, r"defines functions; .*onnx\.inliner"),
    "external data": (external_data, 2, "data in other files; save it as one"),
    "custom operator": (custom_operator, 2, r"operators of com\.microsoft, which are not standard; export it"),
    "loop": (loop, 2, r"a subgraph \(Loop\), which could loop without end"),
    "unknown operator": (unknown_operator, 3, r"ai\.onnx\.NonZero is not vouched for"),
    "cyclic tree": (cycle, 3, "a cycle"),
    "fixed batch": (fixed_batch, 2, "does not take any number of rows"),
    "half precision": (half_precision, 2, "neither float32, float64, whole numbers nor texts"),
    "three outputs": (three_outputs, 2, "the graph has 3 outputs; one class with its probabilities"),
    "only scores": (only_scores, 2, "2 numbers a row and no class; .*must give its class as well"),
    "no classes": (no_classes, 2, "does not say which classes there are; export it with ZipMap"),
    "classes of another kind": (classes_of_another_kind, 2, "does not say which classes there are"),
    "not finite": (not_finite, 3, "numbers that are not finite"),
    "mixed rows": (mixed_rows, 3, "Gather joins rows"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_graph_that_cannot_be_served_is_refused_with_the_reason(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit, expected, reason = REFUSALS[name]
    proto = onnx.ModelProto()
    proto.CopyFrom(PROTO)
    edit(proto)

    code, said = refused(tmp_path, capsys, "--target", "y", model=proto.SerializeToString())

    assert re.search(reason, said), said
    assert code == expected


@pytest.mark.parametrize("content", [b"", b"no model at all", PROTO.SerializeToString()[:-100]])
def test_a_file_that_is_no_model_is_told(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refused(tmp_path, capsys, model=content)

    assert "model.onnx is no ONNX model, or" in said
    assert code == 2


def test_nearest_neighbours_are_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proto = default_export(KNeighborsClassifier().fit(ROWS, TARGETS), ROWS[:1])

    _, said = refused(tmp_path, capsys, model=proto.SerializeToString())

    assert "a subgraph (Scan)" in said
    assert "nearest neighbours" in said


def test_files_that_are_not_there_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.onnx").write_bytes(PROTO.SerializeToString())
    rest = ["--models", str(tmp_path), "--name", "forest"]

    codes = [
        main([str(tmp_path / "none.onnx"), "--sample", str(tmp_path / "rows.csv"), *rest]),
        main([str(tmp_path / "model.onnx"), "--sample", str(tmp_path / "none.csv"), *rest]),
    ]

    said = capsys.readouterr().err
    assert codes == [2, 2]
    assert "there is no file" in said
    assert "none.csv: there is no such file" in said


@pytest.mark.parametrize(
    ("sample", "more", "reason"),
    [
        (SAMPLE.to_csv(index=False), [], "has 4 feature columns, the graph takes 3; .*--target"),
        (SAMPLE.drop(columns=["c", "y"]).to_csv(index=False), [], "has 2 feature columns, the graph takes 3"),
        (SAMPLE.to_csv(index=False), ["--target", "z"], "has no column z, which --target names"),
        (SAMPLE.assign(y=7).to_csv(index=False), ["--target", "y"], "no class of the model in 60 rows; .*0, 1"),
        (SAMPLE.assign(a="x", y=0).to_csv(index=False), ["--target", "y"], "column a, line 2: a number was expected"),
        (SAMPLE.to_csv(index=False), ["--target", "y", "--class-names", "one"], "gives 1 names; the model has 2"),
        ("", [], "rows.csv"),
    ],
)
def test_a_sample_that_does_not_fit_is_told(
    sample: str, more: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = refused(tmp_path, capsys, *more, sample=sample)

    assert re.search(reason, said), said
    assert code == 2


def test_columns_are_looked_for_by_the_names_of_the_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = helper.make_tensor_value_info
    node = helper.make_node("Max", ["width", "height"], ["larger"])
    inputs = [value(name, TensorProto.FLOAT, [None, 1]) for name in ("width", "height")]
    graph = helper.make_graph([node], "larger", inputs, [value("larger", TensorProto.FLOAT, [None, 1])])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    _, said = refused(tmp_path, capsys, model=proto.SerializeToString())

    assert "no column for the graph's input width and 1 more; its header must name it" in said


def test_whole_numbers_may_be_neither_missing_nor_broken_in_the_sample(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proto = onnx.ModelProto()
    proto.CopyFrom(PROTO)
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64

    for value in ("", "1.5"):
        sample = "a,b,c\n" + "1,2,3\n" * 20 + f"{value},2,3\n"
        _, said = refused(tmp_path, capsys, model=proto.SerializeToString(), sample=sample)
        assert "takes column a as whole numbers" in said


@pytest.mark.parametrize("names", ["a,,b", "a,a", ""])
def test_class_names_that_are_none_are_told(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["model.onnx", "--sample", "x.csv", "--models", "m", "--name", "n", "--class-names", names])

    assert stopped.value.code == 2
    assert "must be different names" in capsys.readouterr().err


def test_what_is_imported_is_said_step_by_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.onnx").write_bytes(PROTO.SerializeToString())
    SAMPLE.to_csv(tmp_path / "rows.csv", index=False)
    files = [str(tmp_path / "model.onnx"), "--sample", str(tmp_path / "rows.csv"), "--models", str(tmp_path / "models")]
    rest = ["--name", "forest", "--target", "y", "--class-names", "low,high"]

    codes = [main([*files, *rest]), main([*files, *rest, "--candidate"])]

    lines = capsys.readouterr().out.splitlines()
    assert codes == [0, 0]
    assert [line.split()[0] for line in lines] == 2 * ["read", "check", "score", "publish", "done"]
    assert lines[4] == "done     forest version 1 is current"
    assert lines[9] == "done     forest version 2 is the candidate"
    assert current_version(tmp_path / "models", "forest") == 1


def test_the_docs_name_every_option() -> None:
    documented = (Path(__file__).parents[4] / "docs" / "import.md").read_text()
    options = itertools.chain.from_iterable(action.option_strings[-1:] for action in parser()._actions)

    assert {option for option in options if option not in documented} <= {"--help"}
