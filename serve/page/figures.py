"""Numbers as people read them."""

import math

import numpy as np

MINUS = "\N{MINUS SIGN}"
_METRICS = {"f1": "F1", "r2": "R²", "probability_of_true_class": "probability of the true class"}
NARROW = "\N{NARROW NO-BREAK SPACE}"


def exact(value: float) -> str:
    """Return the shortest text that float32 reads back as the same number: 28.11, not 28.110000610."""
    rounded = np.float32(value)
    if not np.isfinite(rounded) or value == 0:
        return "0" if value == 0 else str(float(value))
    if 1e-6 <= abs(value) < 1e15:
        return np.format_float_positional(rounded, trim="-")
    return np.format_float_scientific(rounded, trim="-")


def brief(value: float) -> str:
    """Return a number as it may be typed, to four significant digits where more would be long."""
    text = exact(value)
    if len(text.lstrip("-")) > 7:
        text = f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
    return text.replace("-", MINUS)


def metric(name: str) -> str:
    """Return a metric's name for people."""
    return _METRICS.get(name, name.replace("_", " "))


def number(value: float) -> str:
    """Return a number to four significant digits, large ones grouped."""
    if not math.isfinite(value):
        return "not finite"
    if abs(value) >= 1e15 or 0 < abs(value) < 1e-4:
        text = f"{value:.3g}"
    elif abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.4g}"
    return text.replace("-", MINUS)


def percent(share: float) -> str:
    """Return a share in percent; what is not all, or not nothing, never looks so."""
    if 0.9995 <= share < 1:
        return f"over 99.9{NARROW}%"
    if 0 < share < 0.0005:
        return f"under 0.1{NARROW}%"
    return f"{100 * share:.1f}{NARROW}%"


def decimals(largest: float) -> int:
    """Return how many decimals numbers up to this size have in a list: four, fewer where they are large."""
    return max(0, 4 - len(f"{abs(largest):.0f}") + 1)


def signed(value: float, places: int = 4) -> str:
    """Return a summand with its sign, to so many decimals."""
    return f"{value:+,.{places}f}".replace("-", MINUS)


def summed(value: float, places: int) -> str:
    """Return a sum in the form of its summands."""
    return signed(value, places).removeprefix("+")


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: 1 row, 2 rows."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
