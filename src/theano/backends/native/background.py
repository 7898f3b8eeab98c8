"""One piece of work that goes on beside the program, in a thread that is never in the way.

It is daemon-like and yet safe: before the interpreter ends, and before the process forks, the work is asked to stop,
and waited for. It must look at `stopped` often, and be able to go on later.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable

# how long the end of the process, or a fork, waits at the most for the work to stop
PATIENCE = 10.0


class Background:
    """Runs `work(stopped)` in a thread; `work` says whether it is done.

    broken_off   is called after a fork, in both processes, if the work was stopped by it
    """

    def __init__(self, work: Callable[[Callable[[], bool]], bool], broken_off: Callable[[], None]) -> None:
        self._work = work
        self._broken_off = broken_off
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._unfinished = False
        atexit.register(self.stop)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self.stop, after_in_parent=self._go_on, after_in_child=self._go_on)

    def start(self) -> None:
        """Start the work, if it is not going on. Where no thread can be started, do it now."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="theano: better code", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is ending, or the system has no more threads
                self._thread = None
                self._run()

    def _run(self) -> None:
        self._unfinished = True
        self._unfinished = not self._work(self._stop.is_set)

    def stop(self) -> None:
        """Ask the work to stop, and wait until it has."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._stop.set()
            thread.join(PATIENCE)

    def wait(self) -> None:
        """Wait until the work is done."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _go_on(self) -> None:
        self._thread = None
        self._stop.clear()
        if self._unfinished:
            self._unfinished = False
            self._broken_off()
