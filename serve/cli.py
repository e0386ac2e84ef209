"""copse-serve: read the settings, serve until a signal."""

import logging
import os
import sys
from collections.abc import Sequence

from serve.server import CannotListen, serve
from serve.settings import SettingError, read_settings

USAGE = 2
CANNOT_START = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; return 0 after a signal, 1 where the port cannot be used, 2 where a setting cannot."""
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
        logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s")
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        serve(settings)
    except SettingError as error:
        print(f"copse-serve: {error}", file=sys.stderr)
        return USAGE
    except CannotListen as error:
        print(f"copse-serve: {error}", file=sys.stderr)
        return CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main())
