"""All the ways in which a published version can be damaged, and the reason with which each is refused."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
from onnx import helper

from tests.graphs import edited, forest_attribute

Damage = Callable[[Path], None]


def rewritten(folder: Path, **changes: Any) -> None:
    """Rewrite parts of a manifest, leaving it well-formed."""
    path = folder / "model.json"
    document = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode(document | changes))


def truncated(folder: Path) -> None:
    content = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(content[: len(content) // 2])


def one_bit_flipped(folder: Path) -> None:
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)


def other_model_file(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"another model's file")


def without_onnx(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def without_manifest(folder: Path) -> None:
    (folder / "model.json").unlink()


def manifest_of_something_else(folder: Path) -> None:
    (folder / "model.json").write_text('{"name": "something", "version": 3}')


def manifest_of_a_later_format(folder: Path) -> None:
    rewritten(folder, format="copse/2")


def manifest_of_another_model(folder: Path) -> None:
    rewritten(folder, name="another")


def wrong_golden_answers(folder: Path) -> None:
    golden = msgspec.json.decode((folder / "model.json").read_bytes())["golden"]
    golden["labels"] = [1 - label for label in golden["labels"]]
    rewritten(folder, golden=golden)


def wrong_golden_probabilities(folder: Path) -> None:
    golden = msgspec.json.decode((folder / "model.json").read_bytes())["golden"]
    golden["probabilities"][3][0] += 1e-6
    rewritten(folder, golden=golden)


def other_explanation(folder: Path) -> None:
    (folder / "explanation.npz").write_bytes(b"something")


def without_explanation(folder: Path) -> None:
    (folder / "explanation.npz").unlink()


def explanation_of_other_answers(folder: Path) -> None:
    """Exchange the classes in all leaves, with a manifest that vouches for it."""
    path = folder / "explanation.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    with path.open("wb") as file:
        np.savez(file, **arrays | {"values": np.ascontiguousarray(arrays["values"][:, ::-1])})
    content = path.read_bytes()
    described = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "scale": "probability"}
    rewritten(folder, explanation=described)


def vouched_for(folder: Path, content: bytes) -> None:
    """Put another file in the model's place, with a manifest that vouches for it."""
    (folder / "model.onnx").write_bytes(content)
    onnx = msgspec.json.decode((folder / "model.json").read_bytes())["onnx"]
    rewritten(folder, onnx=onnx | {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()})


def no_onnx_though_vouched_for(folder: Path) -> None:
    vouched_for(folder, b"no model at all")


def tree_with_a_cycle(folder: Path) -> None:
    """Make a tree that ONNX Runtime loads, and never returns from."""

    def cycle(proto: onnx.ModelProto) -> None:
        left = forest_attribute(proto, "nodes_truenodeids").ints
        values = forest_attribute(proto, "nodes_values").floats
        parent = next(node for node in range(1, len(left)) if left[node] and left[left[node]])
        left[left[parent]] = parent
        values[0] = values[parent] = values[left[parent]] = 3e38  # every row goes this way

    vouched_for(folder, edited((folder / "model.onnx").read_bytes(), cycle))


def very_deep_tree(folder: Path) -> None:
    """Make a tree whose depth overflows the stack of the process that loads it."""

    def deep(proto: onnx.ModelProto) -> None:
        nodes = range(200_001)
        branches = [node % 2 == 0 and node < 200_000 for node in nodes]
        for name, values in {
            "treeids": [0 for _ in nodes],
            "nodeids": list(nodes),
            "featureids": [0 for _ in nodes],
            "truenodeids": [node + 1 if branch else 0 for node, branch in zip(nodes, branches, strict=True)],
            "falsenodeids": [node + 2 if branch else 0 for node, branch in zip(nodes, branches, strict=True)],
            "missing_value_tracks_true": [0 for _ in nodes],
        }.items():
            forest_attribute(proto, f"nodes_{name}").ints[:] = values
        forest_attribute(proto, "nodes_values").floats[:] = [0.0 for _ in nodes]
        forest_attribute(proto, "nodes_modes").strings[:] = [
            b"BRANCH_LEQ" if branch else b"LEAF" for branch in branches
        ]
        forest_attribute(proto, "target_treeids").ints[:] = [0]
        forest_attribute(proto, "target_nodeids").ints[:] = [1]
        forest_attribute(proto, "target_ids").ints[:] = [0]
        forest_attribute(proto, "target_weights").floats[:] = [1.0]

    vouched_for(folder, edited((folder / "model.onnx").read_bytes(), deep))


def all_the_memory(folder: Path) -> None:
    """Make a graph that asks for 400 MB before it answers: more than a pod has to spare."""

    def greedy(proto: onnx.ModelProto) -> None:
        shape = helper.make_tensor("shape", onnx.TensorProto.INT64, [1], [10**8])
        huge = helper.make_node("ConstantOfShape", ["shape"], ["huge"])
        largest = helper.make_node("ReduceMax", ["huge"], ["largest"], keepdims=0)
        added = helper.make_node("Add", ["input", "largest"], ["more"])
        proto.graph.initializer.append(shape)
        first = proto.graph.node[0]
        first.input[0] = "more"
        rest = list(proto.graph.node)
        del proto.graph.node[:]
        proto.graph.node.extend([huge, largest, added, *rest])

    vouched_for(folder, edited((folder / "model.onnx").read_bytes(), greedy))


def too_few_columns(folder: Path) -> None:
    document = msgspec.json.decode((folder / "model.json").read_bytes())
    document["golden"]["rows"] = [values[:-1] for values in document["golden"]["rows"]]
    rest: dict[str, Any] = {"importances": None, "examples": []}
    rewritten(folder, columns=document["columns"][:-1], golden=document["golden"], **rest)


def current_naming_nothing(folder: Path) -> None:
    (folder.parent / "CURRENT").write_text("7\n")


def current_with_junk(folder: Path) -> None:
    (folder.parent / "CURRENT").write_text("../../etc\n")


DAMAGES: list[tuple[Damage, str]] = [
    (truncated, "its manifest says"),
    (one_bit_flipped, "its SHA-256 differs from the manifest's"),
    (other_model_file, "its manifest says"),
    (without_onnx, "model.onnx is missing"),
    (without_manifest, "model.json is missing"),
    (manifest_of_something_else, "the manifest cannot be read"),
    (manifest_of_a_later_format, "the manifest cannot be read"),
    (manifest_of_another_model, "the manifest is another model's"),
    (wrong_golden_answers, "golden rows otherwise than the original model"),
    (wrong_golden_probabilities, "it answers 1 of its"),
    (other_explanation, "explanation.npz has 9 bytes, its manifest says"),
    (without_explanation, "explanation.npz is missing"),
    (explanation_of_other_answers, "its explanation does not add up to its answers"),
    (no_onnx_though_vouched_for, "ONNX Runtime cannot load it"),
    (tree_with_a_cycle, "in its trial it"),
    (very_deep_tree, "in its trial it"),
    (all_the_memory, "ONNX Runtime cannot run it"),
    (too_few_columns, "not float32 rows of the manifest's 29 columns"),
    (current_naming_nothing, "has no version 7"),
    (current_with_junk, "does not hold a version's number"),
]


def publish_damaged(repository: Path, damage: Damage, model: str = "breast-cancer") -> None:
    """Make version 2 of a damaged copy of version 1; CURRENT moves last, as when publishing."""
    version_1 = repository / model / "1"
    draft = repository / model / "2"
    draft.mkdir()
    for file in version_1.iterdir():
        (draft / file.name).write_bytes(file.read_bytes())
    (repository / model / "CURRENT.new").write_text("2\n")
    damage(draft)
    if not damage.__name__.startswith("current"):
        (repository / model / "CURRENT.new").replace(repository / model / "CURRENT")
