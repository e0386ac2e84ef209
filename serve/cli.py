"""copse-serve: read the settings, serve until a signal."""

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Sequence

from serve.settings import SettingError, read_settings

USAGE = 2
CANNOT_START = 1
INTERRUPTED = 130
GARBAGE_WHILE_LOADING = 50_000  # objects; what is imported mostly stays, and is looked through as rarely


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; return 0 after a signal, 1 where the port cannot be used, 2 where a setting cannot."""
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
        logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s")
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        logging.getLogger("uvicorn.error").addFilter(_worth_saying)
        usual = gc.get_threshold()
        gc.set_threshold(GARBAGE_WHILE_LOADING)
        from serve.listener import CannotListen  # noqa: PLC0415 - Ctrl-C ends quietly while this loads, too
        from serve.server import serve  # noqa: PLC0415 - likewise

        gc.freeze()  # nor is it ever looked through again, with all requests waiting
        gc.set_threshold(*usual)

        try:
            serve(settings)
        except CannotListen as error:
            print(f"copse-serve: {error}", file=sys.stderr)
            return CANNOT_START
    except SettingError as error:
        print(f"copse-serve: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _worth_saying(record: logging.LogRecord) -> bool:
    """Leave out that a request was cancelled because the time to shut down was over."""
    cancelled = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not cancelled and "CancelledError" not in record.getMessage()


if __name__ == "__main__":
    sys.exit(main())
