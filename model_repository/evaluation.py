"""What the manifest tells people of a model: how good its answers are, what they rest on, and rows to try."""

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0)]


class Roc(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The receiver operating characteristic of one class against all others, from (0, 0) to (1, 1).

    `of` is the class's place among the target's classes, `area` the area under the whole curve; the points may be
    fewer than were computed.
    """

    of: Count
    false_positive_rates: list[float]
    true_positive_rates: list[float]
    area: float


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often one class came true where its probability was about so large.

    For each bin that holds rows: the mean probability predicted, the share of rows that are of the class, and rows.
    """

    of: Count
    predicted: list[float]
    observed: list[float]
    rows: list[Count]


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answers to the held-out rows beside the truth.

    Of a classifier `confusion` counts rows [true class, predicted class]; `roc` and `calibration` hold the second class
    of two, else every class, and nothing where there are no probabilities. Of a regression `predictions` are pairs of
    truth and prediction, of at most 200 rows.
    """

    confusion: list[list[Count]] = []
    roc: list[Roc] = []
    calibration: list[Calibration] = []
    predictions: list[list[float]] = []


class Importance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much worse the metric becomes when a column's values are exchanged between held-out rows.

    Mean and standard deviation over repetitions (L. Breiman, "Random Forests", Machine Learning 45, 2001).
    """

    column: str
    mean: float
    deviation: float


class Importances(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The importance of each column, in their order: which metric, on how many rows, how often repeated."""

    metric: str
    rows: Count
    repetitions: Count
    columns: list[Importance]


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A real held-out row, a value a column (None: missing), and what it truly is: a class or a number."""

    row: list[float | str | None]
    target: int | str | float
