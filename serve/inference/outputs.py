"""From a model's answers to tensors: `label` and `probabilities`, or `prediction` where it is a regression."""

from collections.abc import Sequence

from serve.encode import check_finite
from serve.errors import WrongValues
from serve.inference.tensor import BYTES, FP32, INT64, Tensor
from serve.model import LoadedModel
from serve.onnx_runtime import Answers

LABEL, PROBABILITIES, PREDICTION = "label", "probabilities", "prediction"


def output_names(model: LoadedModel) -> list[str]:
    """Return the names of a model's outputs."""
    if not model.classes:
        return [PREDICTION]
    return [LABEL, PROBABILITIES] if model.manifest.target.probabilities else [LABEL]


def label_datatype(model: LoadedModel) -> str:
    """Return the datatype of a classifier's labels."""
    return BYTES if isinstance(model.classes[0], str) else INT64


def check_wanted(wanted: Sequence[str], model: LoadedModel) -> None:
    """Refuse names that are no output's, or the same twice; none at all means all outputs.

    Raises:
        WrongValues: one of them cannot be given.

    """
    names = output_names(model) if wanted else []
    for index, name in enumerate(wanted):
        place = f"output {index + 1} of {len(wanted)}"
        if name not in names:
            raise WrongValues(f"{place} has a name that is no output of this model", expected=" or ".join(names))
        if name in wanted[:index]:
            raise WrongValues(f"{place} is asked for twice; expected each once")


def tensors_of(answers: Answers, model: LoadedModel, wanted: Sequence[str]) -> list[Tensor]:
    """Return the outputs that are wanted, which there are, in that order, or all.

    Raises:
        WrongValues: an answer is not finite.

    """
    check_finite(answers, single=False)
    return [_tensor(name, answers, model) for name in wanted or output_names(model)]


def _tensor(name: str, answers: Answers, model: LoadedModel) -> Tensor:
    labels, probabilities = answers
    if name == LABEL:
        return Tensor(LABEL, label_datatype(model), labels.shape, labels)
    values = probabilities if name == PROBABILITIES else labels.reshape(-1, 1)
    return Tensor(name, FP32, values.shape, values)
