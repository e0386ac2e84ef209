"""From a fitted classifier to the bytes of an ONNX model; the same model gives the same bytes."""

import warnings
from typing import Any

from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

from train import converters
from train.errors import ExportRefused

OPSETS = {"": 17, converters.ML_DOMAIN: converters.ML_OPSET}
IR_VERSION = 8
INPUT = "input"


def export(model: Any, width: int) -> bytes:
    """Return a model that takes `input`, float32 [n, width], and gives `label` [n] and `probabilities` [n, classes].

    Raises:
        ExportRefused: the model has no exact form in ONNX.

    """
    converters.register()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            proto = to_onnx(
                model,
                initial_types=[(INPUT, FloatTensorType([None, width]))],
                options={id(model): {"zipmap": False}},
                target_opset=OPSETS,
                name="copse",
            )
    except Exception as error:  # skl2onnx and the estimators raise whatever they like; all of it means the same
        raise ExportRefused(f"{type(model).__name__} cannot be exported: {str(error).splitlines()[0]}") from error
    proto.ir_version = IR_VERSION
    del proto.opset_import[:]
    for domain, version in OPSETS.items():
        proto.opset_import.add(domain=domain, version=version)
    content: bytes = proto.SerializeToString(deterministic=True)
    return content
