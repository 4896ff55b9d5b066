"""Articles of an input that may never end, in batches that wait no longer than they must, until a signal says stop."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TextIO

from newsclf.article import Article
from newsclf.errors import InputError

MAX_WAITING = 512  # articles read ahead of the index; then the input has to wait, and with it whoever writes into the pipe

Arrived = Article | InputError


class Feed:
    """What a thread reads, so that an input that falls silent holds nothing back."""

    def __init__(self) -> None:
        self._arrived: SimpleQueue[tuple[float, Arrived] | None] = SimpleQueue()  # None is the end
        self._room = threading.Semaphore(MAX_WAITING)
        self._is_closed = False
        self._failure: BaseException | None = None

    @contextmanager
    def reading(self, articles: Iterable[Article]) -> Iterator[None]:
        """Within it the articles are read; each is put as if by ``put``."""
        # The thread holds on to standard input: the interpreter would else close it at its end, which takes a lock that a thread
        # that still waits for input has, and die of that.
        threading.Thread(target=self._read, args=(articles, sys.stdin), daemon=True).start()
        try:
            yield
        finally:
            self._is_closed = True
            self._room.release()

    def _read(self, articles: Iterable[Article], stdin: TextIO) -> None:
        try:
            for article in articles:
                self.put(article)
        except _ClosedError:
            pass
        except BaseException as error:  # raised again where the batches are used
            self._failure = error
        finally:
            self._arrived.put(None)

    def put(self, arrived: Arrived) -> None:
        """Takes an article, or an error in the place of one, as soon as there is room."""
        self._room.acquire()
        if self._is_closed:
            raise _ClosedError
        self._arrived.put((time.monotonic(), arrived))

    def stop(self) -> None:
        """Ends the batches after what has been read so far. A signal handler may call it: it takes no lock."""
        self._arrived.put(None)

    def batches(self, max_articles: int, max_delay_seconds: float) -> Iterator[list[Arrived]]:
        """What was put, in its order; a batch is full, or its first article came so many seconds ago, or it is the last."""
        is_open = True
        while is_open:
            batch, is_open = self._batch(max_articles, max_delay_seconds)
            if batch:
                yield batch
        if self._failure is not None:
            raise self._failure

    def _batch(self, max_articles: int, max_delay_seconds: float) -> tuple[list[Arrived], bool]:
        """A batch, and whether there may be another."""
        batch: list[Arrived] = []
        timeout_seconds: float | None = None
        due = 0.0
        while len(batch) < max_articles:
            try:
                arrival = self._arrived.get(timeout=timeout_seconds)
            except Empty:
                break
            if arrival is None:
                return batch, False
            self._room.release()
            batch.append(arrival[1])
            due = due or arrival[0] + max_delay_seconds
            timeout_seconds = max(0.0, due - time.monotonic())
        return batch, True


class _ClosedError(Exception):
    """Nobody takes what is read any more."""


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Within it the first SIGTERM or SIGINT calls ``stop``, another one ends the process; gives the list of those that came."""
    came: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        came.append(number)
        signal.signal(number, signal.SIG_DFL)
        stop()

    heard = [number for number in (signal.SIGTERM, signal.SIGINT) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heard}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
