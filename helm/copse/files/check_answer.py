"""Ask a server for a prediction and check the answer: the chart's test, run by the serving image's own Python."""

import json
import sys
import urllib.request
from typing import Any

TIMEOUT_SECONDS = 10.0


def ask(address: str, body: dict[str, Any] | None = None) -> Any:
    """Return the JSON that a GET, or with a body a POST, is answered with."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, content, {"content-type": "application/json"})  # noqa: S310 - http only
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - likewise
        return json.load(response)


def fault(model: dict[str, Any], answer: dict[str, Any]) -> str | None:
    """Return what is wrong with an answer to one row, or None."""
    probabilities = answer["probabilities"]
    if len(probabilities) != len(model["classes"]):
        return f"{len(probabilities)} probabilities for {len(model['classes'])} classes"
    if abs(sum(probabilities) - 1) > 1e-5:
        return f"the probabilities add up to {sum(probabilities)}"
    if answer["prediction"] != model["classes"][probabilities.index(max(probabilities))]:
        return "the prediction is not the most probable class"
    return None


def main(address: str) -> int:
    """Print what is served and one answer; return 1 where it is wrong."""
    model = ask(f"{address}/")
    answer = ask(f"{address}/predict", {"features": [0.0] * len(model["features"])})
    print(f"{model['model']} version {model['version']} answers {json.dumps(answer)}")
    wrong = fault(model, answer)
    if wrong:
        print(f"wrong: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
