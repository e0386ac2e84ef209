"""What the manifest tells people of a model: how good its answers are, what they rest on, and rows to try."""

from collections.abc import Sequence
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

    def fits(self, classes: int) -> bool:
        """Say whether it is a curve of one of so many classes."""
        return self.of < classes and len(self.false_positive_rates) == len(self.true_positive_rates) > 1


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often one class came true where its probability was about so large.

    For each bin that holds rows: the mean probability predicted, the share of rows that are of the class, and rows.
    """

    of: Count
    predicted: list[float]
    observed: list[float]
    rows: list[Count]

    def fits(self, classes: int) -> bool:
        """Say whether its bins belong together, and to one of so many classes."""
        return self.of < classes and len(self.predicted) == len(self.observed) == len(self.rows) > 0


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answers to the held-out rows beside the truth.

    Of a classifier `confusion` counts rows [true class, predicted class]; it is empty of more than 30 classes. `roc`
    and `calibration` hold the second class of two, else every class, and nothing of more than 10 classes or where there
    are no probabilities; a curve needs rows of the class and others. Of a regression `predictions` are pairs of truth
    and prediction, of at most 200 rows.
    """

    confusion: list[list[Count]] = []
    roc: list[Roc] = []
    calibration: list[Calibration] = []
    predictions: list[list[float]] = []

    def fits(self, classes: int) -> bool:
        """Say whether it can be of a model with so many classes."""
        sizes = {len(self.confusion), *(len(row) for row in self.confusion)}
        curves: list[Roc | Calibration] = [*self.roc, *self.calibration]
        return (
            (not self.confusion or sizes == {classes})
            and all(each.fits(classes) for each in curves)
            and all(len(pair) == 2 for pair in self.predictions)
            and not (self.predictions and classes)
        )


class Importance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much the metric falls when a column's values are exchanged between held-out rows.

    Mean and standard deviation over repetitions (L. Breiman, "Random Forests", Machine Learning 45, 2001).
    """

    column: str
    mean: float
    deviation: float


class Importances(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The importance of each column, in their order: by which metric, on how many rows, how often repeated.

    The metric is `probability_of_true_class` (its mean), `accuracy` where there are no probabilities, or `r2`.
    """

    metric: str
    rows: Count
    repetitions: Count
    columns: list[Importance]

    def fits(self, names: Sequence[str]) -> bool:
        """Say whether these are the columns."""
        return [each.column for each in self.columns] == list(names)


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A real held-out row, a value a column (None: missing), and what it truly is: a class or a number.

    None: that is not known, as of an imported model whose sample has no target.
    """

    row: list[float | str | None]
    target: int | str | float | None

    def fits(self, texts: Sequence[bool], classes: Sequence[int | str]) -> bool:
        """Say whether it can be a row of such columns (of texts, or else of numbers) with a target of these classes."""
        known = self.target in classes if classes else not isinstance(self.target, str)
        return (known or self.target is None) and holds(self.row, texts)


def holds(row: Sequence[float | str | None], texts: Sequence[bool]) -> bool:
    """Say whether each value is missing, or a text where its column holds texts, else a number."""
    kinds = zip(row, texts, strict=False)
    return len(row) == len(texts) and all(value is None or isinstance(value, str) == text for value, text in kinds)
