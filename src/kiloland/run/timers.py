"""Wall-clock timers in a tree, as GPTL keeps them: name, calls, total, longest and shortest call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Timer:
    """One node of the tree."""

    name: str
    calls: int = 0
    total: float = 0.0
    longest: float = 0.0
    shortest: float = float("inf")
    children: dict[str, Timer] = field(default_factory=dict)

    def add(self, seconds: float) -> None:
        """Count one call."""
        self.calls += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)
        self.shortest = min(self.shortest, seconds)


class Timers:
    """A tree of timers; a timer started inside another becomes its child."""

    def __init__(self) -> None:
        self.root = Timer("KILOLAND")
        self._stack = [self.root]
        self._start = time.perf_counter()

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a block of code."""
        timer = self._stack[-1].children.setdefault(name, Timer(name))
        self._stack.append(timer)
        start = time.perf_counter()
        try:
            yield
        finally:
            timer.add(time.perf_counter() - start)
            self._stack.pop()

    def stop(self) -> Timer:
        """Close the root and return it."""
        self.root.calls = 0
        self.root.total = 0.0
        self.root.longest = 0.0
        self.root.add(time.perf_counter() - self._start)
        return self.root
