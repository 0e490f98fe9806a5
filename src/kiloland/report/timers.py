"""Timers as a tree, and the sums over places and ranks that the files of GPTL hold.

GPTL knows a timer by its name alone. A name that was started below several parents is therefore written
once, with the sums of all its calls, below the parent that called it most often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class TimerNode:
    """One timer of one rank.

    ``calls``: how often it was started; ``wallclock``: seconds in all calls; ``max``, ``min``: seconds of the
    longest and shortest call; ``overhead``: estimated seconds spent on timing; ``running``: not stopped yet.
    """

    name: str
    calls: int
    wallclock: float
    max: float
    min: float
    children: tuple[TimerNode, ...] = ()
    overhead: float = 0.0
    running: bool = False

    def __post_init__(self) -> None:
        if '"' in self.name or "\n" in self.name or not self.name.strip():
            raise ValueError(f"a timer cannot be named {self.name!r}")


@dataclass(frozen=True)
class TimerLine:
    """One line of a rank's file: the sums of all places of a timer, its depth below the roots (from 1)."""

    node: TimerNode
    depth: int
    parents: tuple[tuple[str, int], ...]

    @property
    def many_parents(self) -> bool:
        return len(self.parents) > 1


@dataclass(frozen=True)
class GlobalTimer:
    """One timer of all ranks; ``longest`` and ``shortest`` are (seconds, rank) of a rank's whole time."""

    name: str
    running: bool
    ranks: int
    calls: int
    wallclock: float
    longest: tuple[float, int]
    shortest: tuple[float, int]


def walk(
    nodes: Sequence[TimerNode], above: tuple[str, ...] = ()
) -> Iterator[tuple[TimerNode, tuple[str, ...]]]:
    """All nodes with the names above them, parents first.

    Raises ``ValueError`` where a timer lies inside itself.
    """
    for node in nodes:
        if node.name in above:
            raise ValueError(f"timer {node.name!r} lies inside itself: {' > '.join((*above, node.name))}")
        yield node, above
        yield from walk(node.children, (*above, node.name))


def added(first: TimerNode, second: TimerNode) -> TimerNode:
    """One timer seen at two places, as one."""
    return replace(
        first,
        calls=first.calls + second.calls,
        wallclock=first.wallclock + second.wallclock,
        max=max(first.max, second.max),
        min=min(first.min, second.min),
        overhead=first.overhead + second.overhead,
        running=first.running or second.running,
    )


def by_name(roots: Sequence[TimerNode]) -> dict[str, TimerNode]:
    """Every timer once, without children, in the order of its first place."""
    sums: dict[str, TimerNode] = {}
    for node, _ in walk(roots):
        bare = replace(node, children=())
        sums[node.name] = added(sums[node.name], bare) if node.name in sums else bare
    return sums


def timer_lines(roots: Sequence[TimerNode]) -> list[TimerLine]:
    """The lines of one rank, each name once, below its most frequent parent (the first of equals)."""
    sums = by_name(roots)
    parents: dict[str, dict[str, int]] = {name: {} for name in sums}
    for node, above in walk(roots):
        if above:
            parents[node.name][above[-1]] = parents[node.name].get(above[-1], 0) + node.calls
    below: dict[str | None, list[str]] = {}
    for name, found in parents.items():
        parent = max(found, key=lambda key: found[key]) if found else None
        below.setdefault(parent, []).append(name)
    lines: list[TimerLine] = []

    def place(name: str, depth: int) -> None:
        lines.append(TimerLine(sums[name], depth, tuple(parents[name].items())))
        for child in below.get(name, ()):
            place(child, depth + 1)

    for name in below.get(None, ()):
        place(name, 1)
    if len(lines) != len(sums):
        missing = sorted(set(sums) - {line.node.name for line in lines})
        raise ValueError(f"timers call each other in a circle: {', '.join(missing)}")
    return lines


def global_timers(ranks: Sequence[Sequence[TimerNode]]) -> list[GlobalTimer]:
    """Every timer of all ranks in the order of its first place on the lowest rank that has it."""
    seen: dict[str, list[tuple[int, TimerNode]]] = {}
    for rank, roots in enumerate(ranks):
        for name, node in by_name(roots).items():
            seen.setdefault(name, []).append((rank, node))
    return [global_timer(name, found) for name, found in seen.items()]


def global_timer(name: str, found: list[tuple[int, TimerNode]]) -> GlobalTimer:
    """One timer from its (rank, sums) on every rank that has it; of equal times the lowest rank is named."""
    longest = max(found, key=lambda item: item[1].wallclock)
    shortest = min(found, key=lambda item: item[1].wallclock)
    return GlobalTimer(
        name=name,
        running=any(node.running for _, node in found),
        ranks=len(found),
        calls=sum(node.calls for _, node in found),
        wallclock=sum(node.wallclock for _, node in found),
        longest=(longest[1].wallclock, longest[0]),
        shortest=(shortest[1].wallclock, shortest[0]),
    )
