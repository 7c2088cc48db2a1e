"""Deadlines (时限): time that is over, time that is not, and cancellation by somebody else."""

import asyncio

import pytest

from zwhub.gateway.deadline import Deadline


async def test_what_takes_too_long_is_a_timeout() -> None:
    with pytest.raises(TimeoutError), Deadline(0.01):
        await asyncio.sleep(60)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_is_done_in_time_is_let_be() -> None:
    with Deadline(60):
        await asyncio.sleep(0)


async def test_an_error_passes() -> None:
    with pytest.raises(ValueError, match="of its own"), Deadline(60):
        raise ValueError("of its own")


async def test_a_cancellation_from_outside_stays_one() -> None:
    async def wait() -> None:
        with Deadline(60):
            await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_inner_of_two_ends_first() -> None:
    with Deadline(60):
        with pytest.raises(TimeoutError), Deadline(0.01):
            await asyncio.sleep(60)
        await asyncio.sleep(0)


async def test_both_at_once_are_the_outer() -> None:
    with pytest.raises(TimeoutError), Deadline(0.01), Deadline(0.01):
        await asyncio.sleep(60)
