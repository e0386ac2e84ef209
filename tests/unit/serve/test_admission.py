"""Who is worked for, who waits, and who is refused."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from serve.admission import LONGEST_TURN, Admission, ClientGone, Ticket
from serve.errors import Overloaded, WrongValues

DEADLINE_SECONDS = 20.0


def present() -> bool:
    return False


def departed() -> bool:
    return True


def answer(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do what is asked; here a question is a function."""
    outcomes = []
    for work in works:
        try:
            outcomes.append(work())
        except WrongValues as error:
            outcomes.append(error)
    return outcomes


async def ask(
    admission: Admission, lane: str, rows: int, work: Callable[[], Any], gone: Callable[[], bool] = present
) -> Any:
    """Ask in one of the lanes, `on_loop` or `in_thread`, and wait for the answer."""
    asker = asyncio.get_running_loop().create_future()
    getattr(admission, f"ask_{lane}")(Ticket(rows, work, gone, asker))
    return await asker


def run(
    requests: Callable[[Admission], Awaitable[Any]], *, workers: int = 2, under_way: int = 100, waiting: int = 8,
    seconds: float = DEADLINE_SECONDS,
) -> Any:  # fmt: skip
    """Run requests against an admission of their own, in a loop of their own."""

    async def within_deadline() -> Any:
        with ThreadPoolExecutor(workers) as threads:
            async with asyncio.timeout(DEADLINE_SECONDS):
                admission = Admission(
                    answer, threads, workers=workers, under_way=under_way, waiting=waiting, seconds=seconds
                )
                return await requests(admission)

    return asyncio.run(within_deadline())


def _a_long_one_and(admission: Admission, others: int) -> list[Awaitable[Any]]:
    """Ask for something that takes a whole turn of the loop, and for other things at the same time."""
    long = ask(admission, "on_loop", 1, lambda: time.sleep(2 * LONGEST_TURN))
    return [long, *(ask(admission, "on_loop", 1, int) for _ in range(others))]


@pytest.mark.parametrize("lane", ["on_loop", "in_thread"])
def test_requests_are_answered_in_their_order(lane: str) -> None:
    done = []

    async def requests(admission: Admission) -> list[int]:
        def work(number: int) -> int:
            done.append(number)
            return number * number

        calls = (ask(admission, lane, 1, partial(work, number)) for number in range(8))
        return list(await asyncio.gather(*calls))

    assert run(requests, workers=1) == [number * number for number in range(8)]
    assert done == list(range(8))


@pytest.mark.parametrize("lane", ["on_loop", "in_thread"])
def test_an_error_is_raised_where_the_request_waits_and_harms_no_other(lane: str) -> None:
    async def requests(admission: Admission) -> list[Any]:
        def refuse() -> None:
            raise WrongValues("bad")

        calls = (ask(admission, lane, 1, work) for work in (refuse, int))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    error, answer = run(requests)

    assert isinstance(error, WrongValues)
    assert answer == 0


@pytest.mark.parametrize("lane", ["on_loop", "in_thread"])
def test_nothing_is_computed_for_a_client_that_has_gone(lane: str) -> None:
    async def requests(admission: Admission) -> None:
        await ask(admission, lane, 1, lambda: pytest.fail("it was computed"), departed)

    with pytest.raises(ClientGone):
        run(requests)


def test_beyond_those_that_may_wait_requests_are_refused_at_once() -> None:
    async def requests(admission: Admission) -> list[Any]:
        return list(await asyncio.gather(*_a_long_one_and(admission, 12), return_exceptions=True))

    answers = run(requests, waiting=8)

    assert [type(answer) for answer in answers] == [type(None)] + [int] * 7 + [Overloaded] * 5
    assert {error.reason for error in answers[8:]} == {"full"}
    assert all(error.retry_after >= 1 for error in answers[8:])


@pytest.mark.parametrize("lane", ["on_loop", "in_thread"])
def test_a_request_whose_turn_does_not_come_in_time_is_refused_and_not_computed(lane: str) -> None:
    computed = []

    async def requests(admission: Admission) -> list[Any]:
        def work() -> None:
            time.sleep(0.002)
            computed.append(1)

        calls = (ask(admission, lane, 1, work) for _ in range(100))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    answers = run(requests, workers=1, waiting=100, seconds=0.001)
    refused = [answer for answer in answers if isinstance(answer, Overloaded)]

    assert refused
    assert {answer.reason for answer in refused} == {"late"}
    assert len(computed) == 100 - len(refused)


def test_the_rows_that_threads_work_on_at_the_same_time_are_bounded() -> None:
    most = [0, 0]

    async def requests(admission: Admission) -> None:
        lock = threading.Lock()

        def work() -> None:
            with lock:
                most[0] += 60
                most[1] = max(most)
            time.sleep(0.01)
            with lock:
                most[0] -= 60

        await asyncio.gather(*(ask(admission, "in_thread", 60, work) for _ in range(6)))
        assert (admission.rows_waiting(), admission.rows_under_way()) == (0, 0)

    run(requests, workers=4, under_way=150)

    assert most[1] == 120


def test_a_request_of_more_rows_than_may_be_under_way_is_worked_on_alone() -> None:
    async def requests(admission: Admission) -> list[Any]:
        return list(await asyncio.gather(*(ask(admission, "in_thread", 101, int) for _ in range(3))))

    assert run(requests, under_way=100) == [0, 0, 0]


def test_large_requests_do_not_keep_small_ones_waiting() -> None:
    async def requests(admission: Admission) -> int:
        release = threading.Event()
        large = [asyncio.create_task(ask(admission, "in_thread", 1, release.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        answer: int = await ask(admission, "on_loop", 1, int)
        release.set()
        await asyncio.gather(*large)
        return answer

    assert run(requests, workers=1) == 0


def test_the_loop_sees_to_other_things_while_many_requests_wait() -> None:
    async def requests(admission: Admission) -> int:
        calls = [asyncio.create_task(ask(admission, "on_loop", 1, lambda: time.sleep(0.002))) for _ in range(50)]
        turns = 0
        while not all(call.done() for call in calls):
            turns += 1
            await asyncio.sleep(0)
        return turns

    assert run(requests, waiting=50) > 5


def test_a_cancelled_request_is_not_computed() -> None:
    async def requests(admission: Admission) -> None:
        call = asyncio.create_task(ask(admission, "on_loop", 1, lambda: pytest.fail("it was computed")))
        after = asyncio.create_task(ask(admission, "on_loop", 1, int))
        await asyncio.sleep(0)
        call.cancel()
        assert await after == 0
        assert admission.rows_waiting() == 0

    run(requests)


def test_the_door_is_open_until_a_request_was_refused() -> None:
    async def requests(admission: Admission) -> None:
        lane = admission.inline
        assert [lane.refuse_at_the_door() for _ in range(100)] == [None] * 100

        await asyncio.gather(*_a_long_one_and(admission, 9), return_exceptions=True)

        for _ in range(2):
            refusals = [lane.refuse_at_the_door() for _ in range(100)]
            assert refusals[:4] == [None] * 4
            assert all(refusal and refusal.retry_after >= 1 for refusal in refusals[50:])
            await asyncio.sleep(0)

    run(requests, waiting=8)
