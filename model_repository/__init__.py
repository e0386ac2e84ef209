"""The contract between training and serving: a folder of published model versions."""

from model_repository.errors import Damaged, InvalidName, NotPublished, PublishFailed, RepositoryError
from model_repository.evaluation import Calibration, Evaluation, Example, Importance, Importances, Roc
from model_repository.files_described import ExplanationFile, OnnxFile, Scale
from model_repository.layout import candidate_version, current_version, models, versions
from model_repository.manifest import (
    FORMAT,
    LARGEST_FLOAT32,
    Category,
    Column,
    DataSet,
    Golden,
    Histogram,
    Manifest,
    Parity,
    Provenance,
    RowSet,
    Target,
)
from model_repository.pointers import propose, use, withdraw
from model_repository.prune import prune
from model_repository.publish import publish
from model_repository.read import LARGEST_MODEL, PublishedVersion, read_manifest, read_version

__all__ = [
    "FORMAT",
    "LARGEST_FLOAT32",
    "LARGEST_MODEL",
    "Calibration",
    "Category",
    "Column",
    "Damaged",
    "DataSet",
    "Evaluation",
    "Example",
    "ExplanationFile",
    "Golden",
    "Histogram",
    "Importance",
    "Importances",
    "InvalidName",
    "Manifest",
    "NotPublished",
    "OnnxFile",
    "Parity",
    "Provenance",
    "PublishFailed",
    "PublishedVersion",
    "RepositoryError",
    "Roc",
    "RowSet",
    "Scale",
    "Target",
    "candidate_version",
    "current_version",
    "models",
    "propose",
    "prune",
    "publish",
    "read_manifest",
    "read_version",
    "use",
    "versions",
    "withdraw",
]
