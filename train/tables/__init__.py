"""The user's own data: CSV and Parquet files become `TrainingData`, in bounded memory and with plain messages."""

from train.tables.choices import Choices
from train.tables.read import read_rows, read_table

__all__ = ["Choices", "read_rows", "read_table"]
