"""Where the benchmarks read and write."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "benchmarks"
PEERS = HERE / "peers"
WORK = ROOT / "build" / "bench"  # git ignores it
RESULTS = HERE / "results.json"
PLOTS = HERE / "plots"
README = HERE / "README.md"
