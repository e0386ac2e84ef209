"""Sums in the graph have numpy's bits."""

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from onnx import TensorProto, helper
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Scope

from train.converters.graph import Graph
from train.converters.precision import numpy_sum

WIDTH = 3


@pytest.mark.parametrize("count", [1, 7, 8, 9, 30, 64, 127, 128, 129, 200, 300])
def test_numbers_are_added_up_in_numpys_order(count: int) -> None:
    terms = np.random.default_rng(count).lognormal(sigma=3, size=(100, count, WIDTH)).astype(np.float32)
    wanted = np.stack([np.sum(np.ascontiguousarray(terms[:, :, each]), axis=1) for each in range(WIDTH)], axis=1)

    found = _summed(terms)

    assert (found.view(np.uint32) == wanted.view(np.uint32)).all()


def _summed(terms: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    container = ModelComponentContainer({"": 17, "ai.onnx.ml": 3})
    graph = Graph(Scope("sums", target_opset={"": 17, "ai.onnx.ml": 3}), container)
    name = numpy_sum(graph, "terms", terms.shape[1], WIDTH)
    proto = helper.make_graph(
        container.nodes,
        "sums",
        [helper.make_tensor_value_info("terms", TensorProto.FLOAT, [None, *terms.shape[1:]])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, WIDTH])],
        container.initializers,
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return np.asarray(onnxruntime.InferenceSession(model.SerializeToString()).run([name], {"terms": terms})[0])
