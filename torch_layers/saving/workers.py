"""Threads that live as long as a piece of work."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

# Copying is bounded by the memory, which few processors keep busy.
_MOST = 4


def work_off(tasks: Iterable[Callable[[], object]]) -> None:
    """Run tasks in their order, each as soon as a thread is free: this one, and another per processor up to 4 in all.

    Whatever happens, no thread is left when it returns. Raises: the first error of a task; tasks that no thread has begun
    by then are left out.
    """
    left, errors = deque(tasks), list[BaseException]()

    def work() -> None:
        with suppress(IndexError):
            while not errors:
                task = left.popleft()
                try:
                    task()
                except BaseException as error:
                    errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(min(_MOST, _processors(), len(left)) - 1)]
    begun = []
    try:
        with suppress(RuntimeError):  # where the system gives no more threads, fewer do the work
            for thread in threads:
                thread.start()
                begun.append(thread)
        work()
    finally:
        left.clear()
        for thread in begun:
            thread.join()
    if errors:
        raise errors[0]


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
