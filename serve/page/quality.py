"""How good a model is: curves, points and the confusion matrix, as plots and tables."""

from dataclasses import dataclass

from model_repository import Calibration, Manifest, Roc
from serve.page.figures import counted, number
from serve.page.plots import Plot, Square, table

MOST_PICTURES = 6  # of one kind: each class has its own
LARGEST_MATRIX = 12  # classes on a side; of more only the most frequent mistakes are told
MOST_MISTAKES = 12
LEVELS = 8  # of shading


@dataclass(frozen=True)
class Cell:
    """A count of held-out rows, how dark it is (0 to 8), and whether these were answered right."""

    count: int
    level: int
    right: bool


@dataclass(frozen=True)
class Confusion:
    """Held-out rows by true class and answer; of many classes the most frequent mistakes alone."""

    names: list[str]
    rows: list[tuple[str, list[Cell]]]
    mistakes: list[tuple[str, str, int]]
    summary: str


@dataclass(frozen=True)
class Quality:
    """All that is shown of how good a model is; each part may be missing."""

    confusion: Confusion | None
    roc: list[Plot]
    areas: list[tuple[str, str]]
    calibration: list[Plot]
    predictions: Plot | None

    def __bool__(self) -> bool:
        return bool(self.confusion or self.roc or self.calibration or self.predictions)


def quality(manifest: Manifest) -> Quality:
    """Return what the manifest tells of a model's answers to the held-out rows."""
    found, names = manifest.evaluation, manifest.target.names
    known = [each for each in found.roc if each.of < len(names)]
    return Quality(
        _confusion(found.confusion, names),
        [_roc(each, names[each.of]) for each in known[:MOST_PICTURES]],
        [(names[each.of], number(each.area)) for each in known],
        [_calibration(each, names[each.of]) for each in found.calibration[:MOST_PICTURES] if each.of < len(names)],
        _predictions(found.predictions, manifest.target.name),
    )


def _roc(roc: Roc, name: str) -> Plot:
    square = Square(0.0, 1.0)
    return Plot(
        name,
        f"ROC curve of {name}: the area under it is {number(roc.area)}. 1 is perfect, 0.5 is chance.",
        "false positive rate",
        "true positive rate",
        square.ticks,
        curve=square.curve(roc.false_positive_rates, roc.true_positive_rates),
        header=["false positive rate", "true positive rate"],
        rows=table([roc.false_positive_rates, roc.true_positive_rates]),
    )


def _calibration(calibration: Calibration, name: str) -> Plot:
    square, most = Square(0.0, 1.0), max(calibration.rows, default=1) or 1
    points = list(zip(calibration.predicted, calibration.observed, calibration.rows, strict=True))
    apart = sum(rows * abs(predicted - observed) for predicted, observed, rows in points)
    mean = apart / (sum(calibration.rows) or 1)
    return Plot(
        name,
        f"Calibration of {name}: a probability is {number(mean)} away from the share that came true, on average. "
        "The larger the dot, the more rows.",
        "probability answered",
        "share that came true",
        square.ticks,
        dots=[(square.x(x), square.y(y), round(2.5 + 4 * (rows / most) ** 0.5, 1)) for x, y, rows in points],
        header=["probability answered", "share that came true", "rows"],
        rows=table([calibration.predicted, calibration.observed, calibration.rows]),
    )


def _predictions(pairs: list[list[float]], name: str) -> Plot | None:
    if not pairs:
        return None
    both = [value for pair in pairs for value in pair]
    square = Square(min(both), max(both))
    return Plot(
        name,
        f"{counted(len(pairs), 'held-out row')}: what was predicted against what is true. On the line both are equal.",
        "true",
        "predicted",
        square.ticks,
        dots=[(square.x(truth), square.y(prediction), 2.5) for truth, prediction in pairs],
        header=["true", "predicted"],
        rows=table(list(zip(*pairs, strict=True))),
    )


def _confusion(counts: list[list[int]], names: list[str]) -> Confusion | None:
    if not counts or len(counts) != len(names):
        return None
    right = sum(counts[place][place] for place in range(len(counts)))
    total = sum(map(sum, counts))
    wrong = sorted(
        (-count, true, answered)
        for true, row in enumerate(counts)
        for answered, count in enumerate(row)
        if count and true != answered
    )
    mistakes = [(names[true], names[answered], -count) for count, true, answered in wrong[:MOST_MISTAKES]]
    summary = f"{right:,} of {counted(total, 'held-out row')} {'was' if right == 1 else 'were'} answered right."
    small = len(names) <= LARGEST_MATRIX
    return Confusion(names, _cells(counts, names) if small else [], mistakes, summary)


def _cells(counts: list[list[int]], names: list[str]) -> list[tuple[str, list[Cell]]]:
    most = max(map(max, counts)) or 1
    return [
        (names[true], [Cell(count, -(-count * LEVELS // most), true == place) for place, count in enumerate(row)])
        for true, row in enumerate(counts)
    ]
