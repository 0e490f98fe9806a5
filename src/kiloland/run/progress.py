"""Progress of a long job: one line that renews itself on a terminal, plain lines in a batch job."""

from __future__ import annotations

import logging
import sys
import time

logger = logging.getLogger(__name__)


class Patience:
    """Says what is being done, to standard error, once that has lasted for some seconds."""

    def __init__(self, interval: float = 5.0) -> None:
        self._interval = interval
        self._last = time.monotonic()

    def __call__(self, text: str) -> None:
        """Print the text, unless the last one is fresh."""
        now = time.monotonic()
        if now - self._last >= self._interval:
            print(text, file=sys.stderr, flush=True)
            self._last = now


class Progress:
    """Reports steps done, rate and the time that is left."""

    def __init__(self, total: int, show: bool, done: int = 0) -> None:
        self._total = max(total, 1)
        self._first = done
        self._start = time.monotonic()
        self._show = show and logger.isEnabledFor(logging.WARNING)
        self._terminal = sys.stderr.isatty()
        self._last_share = -1

    def update(self, done: int, label: str) -> None:
        """Say that so many steps are done; ``label`` is the model date."""
        if not self._show:
            return
        share = 100 * done // self._total
        elapsed = time.monotonic() - self._start
        rate = (done - self._first) / elapsed if elapsed > 0 else 0.0
        left = (self._total - done) / rate if rate > 0 else float("inf")
        text = f"{label}  {share:3d} %  {rate:.3g} steps/s  {_duration(left)} left"
        if self._terminal:
            print(f"\r{text:<70}", end="", file=sys.stderr, flush=True)
        elif share >= self._last_share + 10 or done == self._total:
            print(text, file=sys.stderr, flush=True)
            self._last_share = share

    def close(self) -> None:
        """End the line on a terminal."""
        if self._show and self._terminal:
            print(file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:d}:{minutes:02d}:{rest:02d}"
