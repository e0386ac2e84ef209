"""Whether requests are traced: OpenTelemetry's own variables say so, and nothing of it is loaded while it is off."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serve.spans import Traces

log = logging.getLogger("copse")

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"


def traces_from(environment: Mapping[str, str]) -> "Traces | None":
    """Return what requests are told to, or None unless an endpoint is set for OpenTelemetry.

    Its SDK reads all else from the process' environment. What keeps traces off is a warning and not an error: a cluster
    may set these variables for every pod.
    """
    if not any(map(environment.get, ENDPOINTS)) or _off(environment):
        return None
    asked = next(filter(None, map(environment.get, PROTOCOLS)), SPOKEN)
    if asked != SPOKEN:
        log.warning("no traces: the protocol of OTEL_EXPORTER_OTLP_PROTOCOL must be %s here, not %s", SPOKEN, asked)
        return None
    try:
        from serve.spans import Traces  # noqa: PLC0415 - takes a fifth of a second, and is an extra

        return Traces()
    except ImportError as error:
        log.warning(
            "no traces: an OpenTelemetry endpoint is set, and there is no %s; pip install 'copse[traces]'", error.name
        )
    except (ValueError, OSError) as error:
        log.warning("no traces: a variable of OpenTelemetry cannot be used: %s", error)
    return None


def _off(environment: Mapping[str, str]) -> bool:
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return disabled or environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
