"""The proof of an export, for tests that need no training around it."""

from typing import Any

from train.builtin import built_in
from train.data import Split, split
from train.export import export
from train.original import Original
from train.proof.bounds import bound_of
from train.proof.gate import Gate, Verdict
from train.proof.probes import probes
from train.schema import Schema

SEED = 42
EXAMPLE = built_in("breast-cancer")
PARTS = split(EXAMPLE, 0.2, SEED)


def original_of(model: Any, schema: Schema = EXAMPLE.schema) -> Original:
    """Return a fitted model as the reference."""
    return Original(model, schema)


def exported(model: Any, schema: Schema = EXAMPLE.schema) -> bytes:
    """Return the bytes of a fitted model's export."""
    return export(original_of(model, schema))


def examined(
    model: Any, content: bytes | None = None, parts: Split = PARTS, schema: Schema = EXAMPLE.schema
) -> Verdict:
    """Compare a fitted model with its export, or with other bytes, on every kind of rows."""
    original = original_of(model, schema)
    gate = Gate(original, content or export(original), bound_of(original, parts.fit_targets), parts.fit_rows)
    return gate.examine(probes(original, parts, SEED), SEED)
