"""Which form of an answer a client would rather have: a page, as browsers do, or JSON, as programs do."""

from starlette.datastructures import Headers

_GENERAL = {"application/json": ("application/json", "application/*", "*/*"), "text/html": ("text/html", "text/*")}


def prefers_html(headers: Headers) -> bool:
    """Return whether a page is wanted: it is named, and JSON is less wanted, or only covered by a wildcard."""
    accepted = headers.get("accept", "").lower()
    if "text/" not in accepted:
        return False
    qualities = dict(_media_range(part) for part in accepted.split(","))
    page = _rank("text/html", qualities)
    return page[0] > 0 and page > _rank("application/json", qualities)


def _media_range(part: str) -> tuple[str, float]:
    media_type, *parameters = [each.strip() for each in part.split(";")]
    quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return media_type, min(1.0, max(0.0, float(quality)))
    except ValueError:
        return media_type, 0.0


def _rank(media_type: str, qualities: dict[str, float]) -> tuple[float, int]:
    """Return how much a media type is wanted, then how exactly it is named."""
    for place, name in enumerate(_GENERAL[media_type]):
        if name in qualities:
            return qualities[name], -place
    return 0.0, -len(_GENERAL)
