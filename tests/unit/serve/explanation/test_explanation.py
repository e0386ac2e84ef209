"""Explanations of loaded models: which are taken, what they add up to, and how many rows are explained at once."""

import msgspec
import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from model_repository import ExplanationFile, PublishedVersion
from serve.errors import ModelRefused
from serve.explanation.explanation import MOST_WORK, answered
from serve.model import LoadedModel
from tests.mixed_models import version
from train.explanation.file import packed
from train.explanation.regions import regions_of
from train.explanation.sums import tree_sum


def test_the_default_model_is_explained_and_its_golden_rows_add_up(published: PublishedVersion) -> None:
    model = LoadedModel(published)
    assert model.explanation
    golden = published.manifest.golden
    contributions = model.explanation.of(model.signature.inputs(golden.rows))

    assert contributions.shape == (len(golden.rows), 30, 2)
    totals = model.explanation.base + contributions.sum(axis=1)
    np.testing.assert_allclose(totals, golden.probabilities, rtol=0, atol=1e-6)


def test_a_row_is_explained_alike_alone_and_among_others(published: PublishedVersion) -> None:
    model = LoadedModel(published)
    assert model.explanation
    rows = model.signature.inputs(published.manifest.golden.rows[:5])
    alone = [model.explanation.of(rows[index : index + 1])[0] for index in range(5)]

    np.testing.assert_array_equal(model.explanation.of(rows), np.stack(alone))


def test_so_many_rows_are_explained_at_once_as_their_work_allows(published: PublishedVersion) -> None:
    explanation = LoadedModel(published).explanation

    assert explanation
    assert explanation._values.work * explanation.most_rows <= MOST_WORK
    assert explanation.most_rows > 1_000


def test_a_version_without_the_file_is_loaded_and_not_explained() -> None:
    assert LoadedModel(version("classes")).explanation is None


def test_a_graph_that_does_not_give_the_features_is_refused() -> None:
    """The model's columns hold texts, too, which no tree compares."""
    tree = DecisionTreeClassifier().fit(np.eye(4, dtype=np.float32), [0, 1, 0, 1])
    sums = tree_sum(tree)
    assert sums
    content, mixed = packed(regions_of(sums, np.arange(4))), version("classes")
    described = msgspec.structs.replace(mixed.manifest, explanation=ExplanationFile.of(content, "probability"))

    with pytest.raises(ModelRefused, match="its explanation is of other features than the model's"):
        LoadedModel(mixed._replace(manifest=described, explanation=content))


@pytest.mark.parametrize(
    ("scale", "totals", "expected"),
    [
        ("probability", [0.25, 0.75], [0.25, 0.75]),
        ("prediction", [-3.5], [-3.5]),
        ("log-prediction", [np.log(20.0)], [20.0]),
        ("log-odds", [-np.log(3.0), np.log(3.0)], [0.25, 0.75]),
        ("log-odds", [-800.0, 800.0], [0.0, 1.0]),
        ("log-odds", [np.log(2.0), 0.0, 0.0], [0.5, 0.25, 0.25]),
        ("log-odds", [900.0, 0.0, -900.0], [1.0, 0.0, 0.0]),
    ],
)
def test_totals_on_each_scale_are_the_answer(scale: str, totals: list[float], expected: list[float]) -> None:
    found = answered(np.array([totals]), scale)  # type: ignore[arg-type]

    np.testing.assert_allclose(found, [expected], rtol=0, atol=1e-15 if scale != "log-prediction" else 1e-12)
