"""Timing files in the structure of GPTL: one tree per rank, one table for all ranks.

``model_timing.NNNN`` (one rank): a line ``Stats for thread 0:``, a line of headings, then one line per timer,
two blanks deeper than its parent, ``*`` in the first column where it has several parents; a blank line ends
it.
``model_timing_stats`` (all ranks): a line of headings that starts with ``name``, then one line per timer
without indentation. The PACE portal and the tools of E3SM read both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kiloland import __version__
from kiloland.files import write_text
from kiloland.report.timers import GlobalTimer, TimerLine, TimerNode, global_timers, timer_lines

RANK_HEADINGS = "On  Called Recurse   Wallclock          max          min     UTR Overhead "
STATS_NOTE = (
    "'on' indicates whether the timer was active during output, and so stats are lower or upper bounds."
)
NOTES = """\
A '*' in column 1 below means the timer had multiple parents, though the
values printed are for all calls.
"""


def rank_text(rank: int, roots: Sequence[TimerNode]) -> str:
    """The text of ``model_timing.NNNN`` of one rank: calls, seconds in all, of the longest and shortest call.

    Raises ``ValueError`` where timers lie inside themselves.
    """
    lines = timer_lines(roots)
    width = max((2 * line.depth + len(line.node.name) + 3 for line in lines), default=0)
    width = max(width, 40)
    body = [rank_line(line, width) for line in lines]
    overhead = sum(line.node.overhead for line in lines)
    calls = sum(line.node.calls for line in lines)
    return "\n".join(
        [
            "",
            f"************ PROCESS {rank:6d} ({rank:6d}) ************",
            "",
            f"kiloland {__version__}, structure of GPTL",
            "Print method was most_frequent.",
            "",
            NOTES,
            "Stats for thread 0:",
            " " * width + "   " + RANK_HEADINGS,
            *body,
            "",
            f"Overhead sum = {overhead:9.4f} wallclock seconds",
            f"Total calls  = {calls}",
            "",
            *parent_table(lines),
        ]
    )


def rank_line(line: TimerLine, width: int) -> str:
    node = line.node
    indent = ("*" if line.many_parents else " ") + " " * (2 * line.depth - 1)
    flag = "y" if node.running else "-"
    return (
        f'{indent}"{node.name}"'.ljust(width)
        + f"  {flag:>3} {node.calls:7d}    -     {node.wallclock:12.6f} {node.max:12.6f} {node.min:12.6f}"
        + f"     {node.overhead:12.6f} "
    )


def parent_table(lines: Sequence[TimerLine]) -> list[str]:
    """Which parents started a timer how often, for those with several; then the end of the file."""
    several = [line for line in lines if line.many_parents]
    if not several:
        return [""]
    rows = ["Multiple parent info for thread 0:", ""]
    for line in several:
        rows += [f"{calls:8d} {parent}" for parent, calls in line.parents]
        rows += [f"{line.node.calls:8d}   {line.node.name}", ""]
    return [*rows, ""]


def stats_text(ranks: Sequence[Sequence[TimerNode]]) -> str:
    """The text of ``model_timing_stats``: every timer over all ranks.

    Columns: number of processes and threads that ran it, calls and seconds of all of them, then the longest
    and the shortest time of one process with its rank and thread.
    """
    timers = global_timers(ranks)
    width = max((len(timer.name) + 2 for timer in timers), default=0)
    width = max(width, 44)
    heading = (
        "name".ljust(width)
        + "   on  processes  threads        count      walltotal"
        + "   wallmax (proc   thrd  )   wallmin (proc   thrd  )"
    )
    return "\n".join(
        [
            "",
            f"***** GLOBAL STATISTICS ({len(ranks):6d} MPI TASKS) *****",
            "",
            f"$Id: kiloland {__version__} $",
            "'count' is cumulative. All other stats are max/min",
            STATS_NOTE,
            "",
            heading,
            *(stats_line(timer, width) for timer in timers),
            "",
        ]
    )


def stats_line(timer: GlobalTimer, width: int) -> str:
    flag = "y" if timer.running else "-"
    (longest, slow), (shortest, fast) = timer.longest, timer.shortest
    return (
        f'"{timer.name}"'.ljust(width)
        + f"    {flag} {timer.ranks:10d} {timer.ranks:8d} {timer.calls:12.6e} {timer.wallclock:14.6e}"
        + f" {longest:9.3f} ({slow:6d} {0:6d}) {shortest:9.3f} ({fast:6d} {0:6d})"
    )


def write_timing(folder: Path, ranks: Sequence[Sequence[TimerNode]]) -> list[Path]:
    """Write ``model_timing.NNNN`` of every rank and ``model_timing_stats``; returns their paths.

    Raises ``OutputError`` where a file cannot be written.
    """
    texts = {f"model_timing.{rank:04d}": rank_text(rank, roots) for rank, roots in enumerate(ranks)}
    texts["model_timing_stats"] = stats_text(ranks)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]
