"""The sample: rows of the kind that the model answers, and what it should answer where a target column is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from train.data import Targets
from train.errors import BadData
from train.importing import inputs
from train.importing.inputs import Taken
from train.importing.outputs import Given
from train.schema import Field, Rows, Schema
from train.tables.columns import categories, is_text
from train.tables.read import open_source, read_rows
from train.tables.survey import survey


@dataclass(frozen=True)
class Sample:
    """Coded rows (see schema.py) with the inputs that their columns go into; `targets` where they are known."""

    schema: Schema
    rows: Rows
    taken: list[Taken]
    targets: Targets | None
    unused: list[str]

    @property
    def limits(self) -> dict[int, float]:
        """Return the columns of whole numbers, with the largest magnitude that each holds."""
        return {
            self.schema.names.index(name): inputs.LARGEST_WHOLE[each.kind]
            for each in self.taken
            if each.kind in inputs.LARGEST_WHOLE
            for name in each.columns
        }


def read_sample(path: Path, model: onnx.ModelProto, given: Given, target: str | None) -> Sample:
    """Read the rows of a file as the graph takes them.

    Raises:
        BadData: the file cannot be read, or its columns do not fit the graph's inputs.

    """
    source = open_source(path)
    if target is not None and target not in source.names:
        raise BadData(f"{path} has no column {target}, which --target names")
    columns = [name for name in source.names if name != target]
    seen = survey(source, columns)
    texts = {name for name in columns if is_text(source, name, seen.facts[name])}
    taken = inputs.match(model, columns, texts)
    kinds = {name: each.kind for each in taken for name in each.columns}
    used = [name for name in columns if name in kinds]
    for name in used:
        if kinds[name] == TensorProto.STRING and seen.facts[name].many:
            raise BadData(f"{path}: column {name} has too many different texts for a column of categories")
    known = {name: categories(seen.facts[name]) for name in used if kinds[name] == TensorProto.STRING}
    schema = Schema([Field(name, known.get(name)) for name in used])
    sample = Sample(
        schema,
        read_rows(path, schema.fields),
        taken,
        None if target is None else _targets(path, target, given),
        [name for name in columns if name not in kinds],
    )
    _check_whole(path, sample)
    return sample


def _targets(path: Path, target: str, given: Given) -> Targets:
    if not given.classes:
        return read_rows(path, [Field(target)])[:, 0].astype(np.float64)
    known = tuple(sorted(map(str, given.classes))) if given.texts else None
    values = read_rows(path, [Field(target, known)])[:, 0]
    wrong = values == len(known) if known else ~np.isin(values, np.array(given.classes))
    if wrong.any():
        raise BadData(
            f"{path}: the target {target} is of no class of the model in {int(wrong.sum()):,} rows; the classes are "
            f"{_listed(given.classes)}"
        )
    return np.array(known, dtype=object)[values.astype(np.intp)] if known else values.astype(np.int64)


def _listed(classes: Sequence[int | str]) -> str:
    return ", ".join(map(str, classes[:10])) + (" ..." if len(classes) > 10 else "")


def _check_whole(path: Path, sample: Sample) -> None:
    for column, limit in sample.limits.items():
        values = sample.rows[:, column]
        if not np.all((values == np.rint(values)) & (np.abs(values) <= limit)):
            raise BadData(
                f"{path}: the graph takes column {sample.schema.names[column]} as whole numbers; the sample has other "
                "values in it, or missing ones"
            )
