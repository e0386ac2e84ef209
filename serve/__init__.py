"""The server. Its libraries read these variables when they are loaded, so they are set before anything else is.

ONNX Runtime sends nothing to anyone, and starts no thread for it. Threads of OpenBLAS, one for each CPU of the machine,
would have nothing to do.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
