"""A table that is not the example: scikit-learn's wine, with the names of its cultivars as classes."""

import pandas as pd
from sklearn.datasets import load_wine

TARGET = "cultivar"
CULTIVARS = ("barolo", "grignolino", "barbera")
EVERY = 5  # of so many rows, the last is kept for asking


def wine() -> pd.DataFrame:
    """Return all 178 rows: 13 columns of numbers, and the target."""
    loaded = load_wine(as_frame=True)
    return pd.DataFrame(loaded.data).assign(**{TARGET: [CULTIVARS[label] for label in loaded.target]})


def parted() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows for training, and the others."""
    table = wine()
    kept = table.index % EVERY == EVERY - 1
    return table[~kept], table[kept]
