"""From a fitted classifier to the bytes of an ONNX model; the same model gives the same bytes."""

import warnings
from typing import Any

import numpy as np
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
    _check_classes(model)
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


def _check_classes(model: Any) -> None:
    """Refuse labels that ONNX cannot give back as they are."""
    classes = np.asarray(model.classes_)
    if classes.ndim == 1 and len(classes) < 2:
        raise ExportRefused("the target has only one class; there is nothing to tell apart")
    if classes.dtype.kind not in "iuUO" and classes.ndim == 1:
        raise ExportRefused("the labels must be whole numbers or text; make true and false 1 and 0")
