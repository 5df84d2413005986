"""Tasks are shared out among threads that end with the work, however it ends."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from torch_layers.saving import workers
from torch_layers.saving.workers import work_off


@pytest.fixture(params=[1, 2, 4], autouse=True)
def processors(request, monkeypatch):
    """As many processors, and no thread left behind."""
    monkeypatch.setattr(workers, "_processors", lambda: request.param)
    before = threading.active_count()
    yield request.param
    assert threading.active_count() == before


def test_each_task_is_run_once():
    done = []
    work_off(partial(done.append, number) for number in range(100))
    assert sorted(done) == list(range(100))
    work_off([])


def test_tasks_run_at_once(processors):
    meeting = threading.Barrier(processors, timeout=10)
    work_off([meeting.wait] * processors)
    assert not meeting.broken


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_the_first_error_ends_the_work(kind):
    done = []

    def fail():
        raise kind("this one")

    with pytest.raises(kind, match="this one"):
        work_off([partial(done.append, 0), fail, *[partial(done.append, number) for number in range(1, 10_000)]])
    assert done[0] == 0
    assert len(done) < 10_000


def test_a_system_without_threads_works_alone(monkeypatch):
    done = []
    monkeypatch.setattr(threading.Thread, "start", lambda self: (_ for _ in ()).throw(RuntimeError("can't start")))
    work_off([partial(done.append, number) for number in range(9)])
    assert done == list(range(9))
