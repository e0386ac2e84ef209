"""Every kind of damaged version, published under load: refused with its reason, and nobody notices."""

import time
from collections.abc import Iterator

from tests.damages import DAMAGES, Damage, publish_damaged
from tests.servers import eventually, ready, serving
from tests.torture.results import Row
from tests.torture.stage import Stage, index, noting, port, remove, wait_for_version
from tests.torture.wire import Tally, total

WHAT = "Damaged versions under load"
OTHERS = 3
REFUSED_SECONDS, BRIEFLY = 3.0, 0.3
ALWAYS = ("tree_with_a_cycle", "very_deep_tree", "all_the_memory")


def damaged(stage: Stage) -> Iterator[Row]:
    """Publish each kind of damage on a server of its own, then a good version."""
    kinds = [entry for entry in DAMAGES if not stage.short or entry[0].__name__ in ALWAYS]
    if stage.short:
        kinds += [entry for entry in DAMAGES if entry[0].__name__ not in ALWAYS][:OTHERS]
    tallies: list[Tally] = []
    faults: dict[str, list[str]] = {}
    for damage, reason in kinds:
        tally, wrong = _publish(stage, damage, reason)
        tallies.append(tally)
        if wrong:
            faults[damage.__name__] = wrong
        stage.say(
            f"{damage.__name__}: {tally.sent} requests, {tally.lost()} lost{''.join(f'; {text}' for text in wrong)}"
        )
    tally = total(tallies)
    told = [f"{name}: {text}" for name, several in faults.items() for text in several]
    yield Row(
        WHAT,
        tally.sent,
        tally.lost() + len(told),
        f"{len(kinds)} kinds; {len(kinds) - len(faults)} refused with its reason, the good version after it taken; "
        f"worst p99 {tally.p99:.0f} ms" + "".join(f"; {text}" for text in [*told, *tally.examples]),
    )


def _publish(stage: Stage, damage: Damage, reason: str) -> tuple[Tally, list[str]]:
    """Publish a damaged version, see it refused, and publish a good one; return what was not as it must be."""
    root, wrong = stage.repository(0), list[str]()
    with serving(root, "--trial-seconds", "1") as running:
        wait_for_version(running, 1)
        with stage.generator.load(stage.steady(port(running), {1: 0, 3: 1})) as report:
            publish_damaged(root, damage)
            with noting(wrong):
                running.says(reason)
                running.says("version 1 goes on serving")
                eventually(
                    lambda: reason in str(index(running)), lambda: f"the index does not say why: {index(running)}"
                )
            with noting(wrong):
                assert ready(running.address), "not ready"
            time.sleep(BRIEFLY if stage.short else REFUSED_SECONDS)
            with noting(wrong):
                stage.publish(root, 1)
                wait_for_version(running, 3)
        with noting(wrong):
            assert running.stop() == 0, "the server did not end well"
    remove(root)
    return total(list(report.values())), wrong
