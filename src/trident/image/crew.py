"""A few threads that work for one caller: the first failure stops all of them and reaches the caller."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Generic, Self, TypeVar

from trident.host.threads import start_thread

T = TypeVar("T")


class Stopped(Exception):
    """Raised in every thread that waits once another one has failed."""


class Lane(Generic[T]):
    """Hands things from one thread to another, in order.

    It has no bound of its own: what travels are buffers of which there are only so many.
    """

    def __init__(self, crew: Crew, items: Iterable[T] = ()) -> None:
        self._crew = crew
        self._items = deque(items)
        self._closed = False

    def put(self, item: T) -> None:
        """Hand ``item`` over."""
        with self._crew.change:
            self._items.append(item)
            self._crew.change.notify_all()

    def close(self) -> None:
        """Nothing more will come."""
        with self._crew.change:
            self._closed = True
            self._crew.change.notify_all()

    def take(self) -> T | None:
        """The next thing, waiting for it; ``None`` once the lane is closed and empty.

        Raises:
            Stopped: another thread failed.
        """
        with self._crew.change:
            while not self._items and not self._closed and self._crew.failure is None:
                self._crew.change.wait()
            if self._crew.failure is not None:
                raise Stopped
            return self._items.popleft() if self._items else None


class Crew:
    """Starts threads, and leaves no thread behind.

    As a context manager around the caller's own part of the work: an exception there (Ctrl-C too) stops
    the threads; an exception in a thread is raised when the context ends.

    Args:
        wake: called when a thread fails, to free the caller from what it waits for outside of a lane.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self.change = threading.Condition()
        self.failure: BaseException | None = None
        self._wake = wake
        self._threads: list[threading.Thread] = []

    def lane(self, items: Iterable[T] = ()) -> Lane[T]:
        """A new lane with ``items`` in it."""
        return Lane(self, items)

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread."""

        def guarded() -> None:
            try:
                work()
            except Stopped:
                pass
            except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
                self._stop(error)
                self._wake()

        self._threads.append(start_thread(f"trident-{name}", guarded))

    def _stop(self, error: BaseException) -> None:
        with self.change:
            self.failure = self.failure or error
            self.change.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Stopped):
            self._stop(error)
        interrupted: KeyboardInterrupt | None = None
        while any(thread.is_alive() for thread in self._threads):
            try:
                for thread in self._threads:
                    thread.join()
            except KeyboardInterrupt as again:  # Threads may hold the target; they stop within one write.
                interrupted = again
                self._stop(again)
        failure = self.failure or interrupted
        if failure is not None and failure is not error:
            raise failure
