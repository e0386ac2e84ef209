"""docs/models.md says of each estimator and pipeline what is measured of it here."""

import pytest

from tests.models import BEGIN, DOCUMENT, END, HEAD, Model, models, outcome, row

LINES = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0].splitlines()
MODELS = list(models())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.name}: {model.task}")
def test_the_table_says_what_is_measured(model: Model) -> None:
    measured = row(model, {kind: outcome(model, kind) for kind in model.kinds})

    assert f"| {' | '.join(measured)} |" in LINES


def test_the_table_has_a_line_for_each_model_and_no_other() -> None:
    assert len(MODELS) >= 25
    assert len(LINES) == len(MODELS) + 2
    assert LINES[0] == f"| {' | '.join(HEAD)} |"
