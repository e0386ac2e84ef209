"""The count of instructions: only what is asked is in it, and it is judged only where it can be."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.instructions import RECORDED, Figures, instructions, judged, part, run_counted, table, total
from benchmarks.instructions_asked import prepare, situations
from benchmarks.instructions_counted import Situation, check
from benchmarks.paths import ROOT

HERE = {"Python": "3.11.7", "numpy": "2.4.6"}
RECORD = Figures(HERE, {"one": 1_000, "sixteen": 500})

needs_valgrind = pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")


def found(one: int, sixteen: int = 500, **others: str) -> Figures:
    return Figures(HERE | others, {"one": one, "sixteen": sixteen})


@pytest.mark.parametrize("one", [960, 1_000, 1_049])
def test_figures_near_those_recorded_are_as_recorded(one: int) -> None:
    assert judged(found(one), RECORD) == ("as recorded, within 5 %", False)


@pytest.mark.parametrize(("sixteen", "fails"), [(540, False), (560, True)])
def test_more_instructions_are_told_with_what_to_do_and_many_more_are_a_failure(sixteen: int, fails: bool) -> None:
    said, failed = judged(found(1_000, sixteen), RECORD)

    assert failed is fails
    assert said.startswith(f"{sixteen // 5 - 100} % more than recorded")
    assert "callgrind_annotate" in said
    assert "make instructions RECORD=1" in said
    assert "build/instructions/callgrind.out.4" in said  # of the second situation
    assert "callgrind.out.2" not in said


def test_fewer_instructions_are_no_failure_but_are_to_be_recorded() -> None:
    said, failed = judged(found(900), RECORD)

    assert not failed
    assert "RECORD=1" in said


def test_figures_made_with_other_versions_are_not_judged_and_what_differs_is_told() -> None:
    said, failed = judged(found(2_000, numpy="2.5.0", uvloop="1"), RECORD)

    assert not failed
    assert "numpy 2.4.6, here 2.5.0; uvloop unknown, here 1" in said
    assert "Python" not in said


def test_a_situation_that_is_not_recorded_is_a_failure_and_has_no_ratio() -> None:
    more = Figures(HERE, {**RECORD.instructions, "new": 7})

    assert judged(more, RECORD)[1]
    assert table(more.instructions, RECORD.instructions).splitlines()[-1].split() == ["new", "7", "-", "-"]


def test_a_line_of_the_table_has_both_figures_and_their_ratio() -> None:
    assert table({"one": 1_100}, {"one": 1_000}).splitlines()[1].split() == ["one", "1,100", "1,000", "1.100"]


def test_what_is_recorded_is_what_is_counted() -> None:
    recorded = msgspec.json.decode(RECORDED.read_bytes(), type=Figures)

    assert list(recorded.instructions) == [each.name for each in situations(8)]
    assert min(recorded.instructions.values()) > 10_000


def test_all_that_is_asked_is_answered_well_and_by_what_should_answer_it(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "models").symlink_to(trained)
    asked = prepare(tmp_path, 8)
    program = [sys.executable, "-X", "importtime", "-m", "benchmarks.instructions_counted", str(tmp_path)]
    done = subprocess.run(program, check=False, cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True)

    assert len(asked) >= 4
    assert done.returncode == 0, done.stderr[-500:]
    assert b" onnxruntime" in done.stderr
    assert b"sklearn" not in done.stderr


def test_a_request_that_is_refused_or_answered_another_way_is_told_instead_of_counted() -> None:
    direct = Situation("one", [], 16, 2)

    check(direct, 32, 0)
    check(msgspec.structs.replace(direct, direct=False), 32, 32)
    for good, by_application in [(31, 0), (32, 1)]:
        with pytest.raises(SystemExit, match=f"of 32 requests {good} were answered with 200, and {by_application} by"):
            check(direct, good, by_application)


@needs_valgrind
def test_only_what_is_between_the_marks_is_counted_and_can_be_looked_into(tmp_path: Path) -> None:
    program = """
        from benchmarks.instructions_counted import mark
        for turns in (1_000, 3_000):
            sum(range(100_000))
            mark()
            for _ in range(turns): hash("x")
            mark()
    """
    asked = [Situation("few", [], 1, 1_000), Situation("many", [], 1, 3_000)]
    run_counted([sys.executable, "-c", "if 1:" + program], tmp_path / "counts")
    counted = instructions(asked, tmp_path / "counts")

    assert counted["many"] == pytest.approx(counted["few"], rel=0.05)
    assert 10 < counted["few"] < 10_000
    assert total(part(tmp_path / "counts", 0)) == pytest.approx(1_000 * counted["few"], rel=0.01)

    told = subprocess.run(
        ["callgrind_annotate", part(tmp_path / "counts", 0)], check=True, capture_output=True, text=True
    )
    assert re.findall(r"\(100\.\d%.*", told.stdout) == ["(100.0%)  PROGRAM TOTALS"]
    assert len(re.findall(r"^ *[\d,]+ \(", told.stdout, re.MULTILINE)) > 5
