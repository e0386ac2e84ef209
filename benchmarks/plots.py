"""Bar plots as SVG, readable in light and in dark mode."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABELS, VALUES, ROW, BAR, TOP = 760, 250, 110, 22, 14, 34
STYLE = (
    "text { font: 12px sans-serif; fill: #24292f } .title { font-weight: bold; font-size: 13px } "
    ".bar { fill: #8c959f } .ours { fill: #1a7f37 } .limit { fill: #54aeff } "
    "@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .bar { fill: #6e7681 } .ours { fill: #3fb950 } "
    ".limit { fill: #388bfd } }"
)


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its value, and whose it is: bar, ours or limit."""

    label: str
    value: float
    kind: str = "bar"


@dataclass(frozen=True)
class Panel:
    """Bars of one unit under a title."""

    title: str
    bars: Sequence[Bar]


def svg(panels: Sequence[Panel], description: str) -> str:
    """Return a picture of panels, one below the other, each with a scale of its own that begins at 0."""
    parts, y = [], 0
    for panel in panels:
        parts.append(f'<text class="title" x="0" y="{y + 20}">{escape(panel.title)}</text>')
        most = max((bar.value for bar in panel.bars), default=0) or 1
        for index, bar in enumerate(panel.bars):
            parts.append(_bar(bar, most, y + TOP + index * ROW))
        y += TOP + len(panel.bars) * ROW + 12
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}">'
    return "\n".join([head, f"<title>{escape(description)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _bar(bar: Bar, most: float, y: int) -> str:
    width = max(1.0, bar.value / most * (WIDTH - LABELS - VALUES))
    number = f"{bar.value:,.0f}" if bar.value >= 100 else f"{bar.value:,.3g}"
    return (
        f'<text x="{LABELS - 8}" y="{y + 11}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect class="{bar.kind}" x="{LABELS}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        f'<text x="{LABELS + width + 6:.1f}" y="{y + 11}">{number}</text>'
    )
