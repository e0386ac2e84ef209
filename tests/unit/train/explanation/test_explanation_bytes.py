"""The same model gives the same bytes, in every process and at every time."""

import hashlib
import subprocess
import sys

SCRIPT = """
import hashlib, sys, time
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from train.explanation.file import packed
from train.explanation.regions import regions_of
from train.explanation.sums import tree_sum
time.time = time.localtime = lambda *_: (2001, 2, 3, 4, 5, 6, 0, 0, 0)
random = np.random.default_rng(0)
rows = random.normal(size=(100, 5)).astype(np.float32)
model = RandomForestClassifier(5, random_state=0).fit(rows, random.integers(0, 3, 100))
sys.stdout.buffer.write(packed(regions_of(tree_sum(model), np.arange(5))))
"""


def test_the_same_model_gives_the_same_bytes() -> None:
    scripts = [SCRIPT, SCRIPT.replace("time.time = ", "unused = lambda: 0 #")]
    contents = [
        subprocess.run([sys.executable, "-c", each], check=True, capture_output=True).stdout for each in scripts
    ]

    assert len(contents[0]) > 1_000
    assert len({hashlib.sha256(content).hexdigest() for content in contents}) == 1
