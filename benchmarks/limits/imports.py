"""What a server of this kind imports at least; then it says that it is there, and waits to be looked at."""

import sys

import numpy as np  # noqa: F401
import onnxruntime  # noqa: F401
import starlette.applications  # noqa: F401 - `import starlette` alone imports nothing
import uvicorn  # noqa: F401

print("imported", flush=True)
sys.stdin.read()
