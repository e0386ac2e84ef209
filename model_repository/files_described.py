"""What the manifest says of the files beside it, so that a reader knows them from any others."""

import hashlib
from typing import Annotated, Literal

import msgspec

from model_repository.errors import Damaged
from model_repository.evaluation import Count
from model_repository.layout import EXPLANATION_FILE, ONNX_FILE

Scale = Literal["probability", "prediction", "log-odds", "log-prediction"]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class OnnxFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model file: its size in bytes, SHA-256 in hexadecimal, and the standards it is written in."""

    size: Count
    sha256: Sha256
    ir_version: Count
    opsets: dict[str, int]
    file: Literal["model.onnx"] = ONNX_FILE

    @classmethod
    def of(cls, content: bytes, ir_version: int, opsets: dict[str, int]) -> "OnnxFile":
        """Describe the bytes of an ONNX model."""
        return cls(len(content), hashlib.sha256(content).hexdigest(), ir_version, opsets)

    def check(self, content: bytes) -> None:
        """Raise Damaged unless these are the bytes that were published."""
        _check(content, self)


class ExplanationFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What explains answers, made from the model's trees: size in bytes and SHA-256, and what the numbers add up to.

    That is the probability of each class, the prediction, the log-odds of each class, or the prediction's logarithm.
    """

    size: Count
    sha256: Sha256
    scale: Scale
    file: Literal["explanation.npz"] = EXPLANATION_FILE

    @classmethod
    def of(cls, content: bytes, scale: Scale) -> "ExplanationFile":
        """Describe the bytes of an explanation."""
        return cls(len(content), hashlib.sha256(content).hexdigest(), scale)

    def check(self, content: bytes) -> None:
        """Raise Damaged unless these are the bytes that were published."""
        _check(content, self)


def _check(content: bytes, described: OnnxFile | ExplanationFile) -> None:
    if len(content) != described.size:
        raise Damaged(f"{described.file} has {len(content)} bytes, its manifest says {described.size}")
    if hashlib.sha256(content).hexdigest() != described.sha256:
        raise Damaged(f"{described.file} is not the file that was published: its SHA-256 differs from the manifest's")
