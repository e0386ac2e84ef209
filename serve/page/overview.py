"""What a model is, in one sentence and a few figures, and where it comes from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from model_repository import Manifest, Target
from serve.page.figures import counted, metric, number

MOST_NAMES = 6  # classes that the sentence names
UNNAMED = "target"


@dataclass(frozen=True)
class Overview:
    """The head of a model's page, and the facts at its end."""

    sentence: str
    figures: list[tuple[str, str]]
    created: str
    published: str
    facts: list[tuple[str, str]]
    parameters: list[tuple[str, str]]
    libraries: list[tuple[str, str]]


def overview(manifest: Manifest) -> Overview:
    """Return what a manifest tells of a model."""
    data, provenance, columns = manifest.dataset, manifest.provenance, len(manifest.columns)
    proved = sum(each.rows for each in manifest.parity.row_sets)
    figures = [(_named(key, manifest.target), number(value)) for key, value in manifest.metrics.items()]
    figures += [("held-out rows", f"{data.held_out:,}"), ("rows proved", f"{proved:,}")]
    return Overview(
        f"{_predicts(manifest.target)} from {counted(columns, 'column')}. {_article(manifest.estimator)}, "
        f"which learned from {counted(data.rows - data.held_out, 'row')} of {data.name}.",
        figures,
        provenance.created,
        _date(provenance.created),
        [
            ("data set", f"{data.name}, {counted(data.rows, 'row')}, of which {data.held_out:,} were held out"),
            ("SHA-256 of the data", data.sha256),
            ("estimator", manifest.estimator),
            ("seed", str(provenance.seed)),
            ("model file", f"ONNX, {manifest.onnx.size:,} bytes"),
            ("SHA-256 of the model file", manifest.onnx.sha256),
        ],
        [(name, _shown(value)) for name, value in sorted(provenance.parameters.items())],
        sorted(provenance.libraries.items()),
    )


def _named(key: str, target: Target) -> str:
    return f"{metric(key)}, mean of the classes" if key == "f1" and len(target.classes) > 2 else metric(key)


def _predicts(target: Target) -> str:
    """Say what is predicted; a target without a name of its own is not named."""
    names = target.names
    what = " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "a number"
    if len(names) > MOST_NAMES:
        what = f"one of {len(names)} classes"
    return f"Predicts {what}" if target.name == UNNAMED else f"Predicts {target.name} ({what})"


def _article(estimator: str) -> str:
    return f"{'An' if estimator[:1].lower() in 'aeiou' else 'A'} {estimator}"


def _date(created: str) -> str:
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment.day} {moment:%B %Y, %H:%M}{'' if moment.utcoffset() else ' UTC'}"


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
