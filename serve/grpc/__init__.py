"""The Open Inference Protocol over gRPC. Nothing of it is imported unless a port is given for it."""

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # read at the import of grpc; trials are programs, not forks
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what clients do wrong is told to them, and fills no log
