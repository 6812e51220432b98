"""For handlers that have to wait until something is on disk before they go on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.journal import Operation
    from db.transaction import Transaction
    from handlers.context import World

T = TypeVar("T")


async def stored(world: World, work: Callable[[Transaction], T]) -> T:
    """Have the journal do something, and give its result once that is committed. Raises what `work` raised, or Refused
    when it could not be stored. Whoever waits here checks again what it had checked before."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def settled(operation: Operation) -> None:
        if done.done():  # nobody waits any more
            return
        if operation.error is not None:
            done.set_exception(operation.error)
        else:
            done.set_result(operation.result)

    world.journal.submit(work, (), settled)
    return await done
