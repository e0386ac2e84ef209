"""A plain text table for terminals: text to the left, numbers to the right."""

from collections.abc import Sequence

Cell = str | int | float | None


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return the rows as aligned lines below their head."""
    columns = list(zip(head, *([_text(cell) for cell in row] for row in rows), strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [any(isinstance(row[index], int | float) for row in rows) for index in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in zip(*columns, strict=True)
    )


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.3g}" if isinstance(cell, float) else cell
