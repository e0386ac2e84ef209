"""A model's page: what does not change is prepared once a version; form and answer are filled in for each request."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from serve.drift.monitor import Drift
from serve.model import LoadedModel
from serve.page.drifted import drifted
from serve.page.fields import fields
from serve.page.importance import by_importance, importance_bars
from serve.page.known_rows import known_rows
from serve.page.overview import Overview, overview
from serve.page.proof import proof
from serve.page.quality import quality
from serve.page.reading import Reading, read
from serve.page.templates import compile_all, render
from serve.page.verdict import value_text, verdict

ALL_AT_ONCE = 12  # so many fields are shown at once; of more, the most important ones
FIRST = 8


class ModelPage:
    """The page of one loaded version. It must not keep the model in memory once another has taken its place."""

    def __init__(self, model: LoadedModel, *, explained: bool) -> None:
        self._name, self._signature, self._manifest = model.name, model.signature, model.manifest
        self.explained = explained
        self.fields = fields(model.signature)
        self.known_rows = known_rows(self._manifest, self.fields, model.signature)
        order = {name: place for place, name in enumerate(by_importance(self._manifest))}
        few = len(self.fields) <= ALL_AT_ONCE
        ordered = self.fields if few else sorted(self.fields, key=lambda each: order.get(each.name, len(order)))
        self._first, self._others = (ordered, []) if few else (ordered[:FIRST], ordered[FIRST:])
        self._by_importance = bool(order) and not few
        compile_all()
        about = overview(self._manifest)
        self._head = Markup(render("head.html", model=model, about=about))  # noqa: S704 - escaped
        self._below = Markup(self._evidence(about))  # noqa: S704 - escaped, too

    def _evidence(self, about: Overview) -> str:
        return render(
            "evidence.html",
            quality=quality(self._manifest),
            importance=importance_bars(self._manifest),
            proof=proof(self._manifest),
            about=about,
        )

    def read(self, posted: Mapping[str, str]) -> Reading:
        """Read what the form was sent with."""
        return read(posted, self.fields, self._signature)

    def known(self, number: str) -> Reading | None:
        """Return the reading of a known row by its number from 1, or None."""
        if not number.isdecimal() or len(number) > 3 or not 1 <= int(number) <= len(self.known_rows):
            return None
        row = self.known_rows[int(number) - 1]
        reading = self.read(row.texts)
        reading.truth = row.truth
        return reading

    def whole(
        self, reading: Reading | None, answer: dict[str, Any] | None, *, drift: Drift | None, **around: Any
    ) -> str:
        """Return the page, with a filled form and its answer where there are; no `drift` is not shown."""
        return render(
            "model.html",
            name=self._name,
            head=self._head,
            below=self._below,
            first=self._first,
            others=self._others,
            by_importance=self._by_importance,
            known_rows=self.known_rows,
            keys=[each.key for each in self.fields],
            drift=drifted(drift, self._manifest.target) if drift else None,
            **self._answered(reading or Reading(), answer),
            **around,
        )

    def part(self, reading: Reading, answer: dict[str, Any] | None) -> str:
        """Return what a new answer changes on the page, for its script."""
        return render("part.html", fields=self.fields, **self._answered(reading, answer))

    def _answered(self, reading: Reading, answer: dict[str, Any] | None) -> dict[str, Any]:
        names = [each.name for each in self.fields]
        values = list(zip(names, map(value_text, reading.row), strict=True)) if answer else []
        return {
            "reading": reading,
            "verdict": verdict(answer, self._manifest.target, values) if answer else None,
            "target": self._manifest.target,
            "explained": self.explained,
            "named": {each.key: each.name for each in self.fields},
        }
