"""copse-serve: read the settings, serve until a signal."""

import gc
import logging
import os
import sys
from collections.abc import Sequence

from serve.logs import configure, writes_json
from serve.settings import SettingError, Settings, read_settings

log = logging.getLogger("copse")

USAGE = 2
CANNOT_START = 1
INTERRUPTED = 130
GARBAGE_WHILE_LOADING = 50_000  # objects; what is imported mostly stays, and is looked through as rarely


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; return 0 after a signal, 1 where the port cannot be used, 2 where a setting cannot."""
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
        configure(settings)
        return _run(settings)
    except SettingError as error:  # told as text: the form of the log is a setting, too
        print(f"copse-serve: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(settings: Settings) -> int:
    usual = gc.get_threshold()
    gc.set_threshold(GARBAGE_WHILE_LOADING)
    from serve.listener import CannotListen  # noqa: PLC0415 - Ctrl-C ends quietly while this loads, too
    from serve.server import serve  # noqa: PLC0415 - likewise

    gc.freeze()  # nor is it ever looked through again, with all requests waiting
    gc.set_threshold(*usual)

    try:
        serve(settings)
    except (CannotListen, SettingError) as error:
        if writes_json(settings.log_format):
            log.critical("cannot start: %s", error)
        else:
            print(f"copse-serve: {error}", file=sys.stderr)
        return USAGE if isinstance(error, SettingError) else CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main())
