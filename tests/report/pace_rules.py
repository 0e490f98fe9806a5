"""A small reader of timing files by the rules of the PACE portal, for the tests of what we write.

The rules: a rank's file is known by ``Stats for thread``, its timers start two lines below; a file of all
ranks by ``GLOBAL STATISTICS`` and its headings, its timers start below the line that begins with ``name``.
Names stand in double quotes, the rest is split at blanks, ``-`` and ``y`` are false and true, a blank line
ends the timers, two blanks are one level. In the summary, twelve keys come first, then nine rows below the
line that starts with ``component`` and eleven from the one that starts with ``TOT``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import takewhile

RANK_HEADINGS = ("On", "Called", "Recurse", "Wallclock", "max", "min", "UTR Overhead")
STATS_HEADINGS = ("on", "process", "threads", "count", "walltotal", "wallmax", "wallmin")
RANK_VALUES = ("on", "called", "recurse", "wallclock", "max", "min", "overhead")
STATS_VALUES = (
    *("on", "processes", "threads", "count", "walltotal"),
    *("wallmax", "wallmax_proc", "wallmax_thrd", "wallmin", "wallmin_proc", "wallmin_thrd"),
)


@dataclass
class Timer:
    name: str
    many_parents: bool
    values: dict[str, float | bool]
    children: list[Timer] = field(default_factory=list)


def read_timer(line: str, names: tuple[str, ...]) -> Timer:
    before, name, rest = line.split('"', 2)
    words = [word.strip("()\n") for word in rest.split(" ")]
    values = [word == "y" if word in ("-", "y") else float(word) for word in words if word]
    return Timer(name, "*" in before, dict(zip(names, values, strict=True)))


def depth(line: str) -> int:
    return len(line) - len(line.lstrip(" *"))


def read_rank(text: str) -> list[Timer]:
    """The tree of the first thread."""
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("Stats for thread"))
    assert all(heading in lines[start + 1] for heading in RANK_HEADINGS)
    assert "GLOBAL STATISTICS" not in text
    roots: list[Timer] = []
    path: list[Timer] = []
    for line in takewhile(lambda line: line != "", lines[start + 2 :]):
        level = depth(line) // 2
        assert depth(line) == 2 * level
        assert 1 <= level <= len(path) + 1
        timer = read_timer(line, RANK_VALUES)
        (path[level - 2].children if level > 1 else roots).append(timer)
        path = [*path[: level - 1], timer]
    return roots


def read_stats(text: str) -> list[Timer]:
    lines = text.split("\n")
    assert sum("GLOBAL STATISTICS" in line for line in lines) == 1
    assert sum("'on' indicates whether the timer was active during output" in line for line in lines) == 1
    (start,) = (i for i, line in enumerate(lines) if line.startswith("name"))
    assert all(heading in lines[start] for heading in STATS_HEADINGS)
    rows = list(takewhile(lambda line: line != "", lines[start + 1 :]))
    assert all(depth(row) == 0 for row in rows)
    return [read_timer(row, STATS_VALUES) for row in rows]


HEADER_KEYS = ("Case", "LID", "Machine", "Caseroot", "Timeroot", "User", "Curr Date", "grid", "compset")


@dataclass
class Summary:
    header: dict[str, str]
    components: list[tuple[str, ...]]
    metrics: dict[str, float]
    run_rows: dict[str, tuple[float, float, float]]


def read_summary(text: str) -> Summary:
    lines = text.split("\n")
    assert not any(line and not line.strip() for line in lines), "a line of blanks stops the portal's reader"
    header: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in HEADER_KEYS:
            header.setdefault(key.strip(), value.strip())
        elif key.strip() == "stop option":
            option, count = value.split(",")
            header["stop_option"], header["stop_n"] = option.strip(), count.split("=")[1].strip()
        elif key.strip() == "run length":
            header["run_length"] = value.split("(")[0].split()[0]
    assert len(header) == 12
    start = next(i for i, line in enumerate(lines) if line.split()[:1] == ["component"])
    components = [component_row(line) for line in lines[start + 2 : start + 11]]
    return Summary(header, components, read_metrics(lines), read_run_rows(lines))


def component_row(line: str) -> tuple[str, ...]:
    """component, pes, root, tasks, threads, instances, stride; fields are two or more blanks apart."""
    fields = re.split(r" {2,}", line.strip())
    name, pes, root, tasks, threads, instances, stride = fields[:7]
    assert threads.split(" ")[0] == "x"
    return (name.split(" ")[0], pes, root, tasks, threads.split(" ")[1], instances, stride.strip("()"))


def read_metrics(lines: list[str]) -> dict[str, float]:
    wanted = ("total pes", "mpi tasks", "pe count", "Model Cost", "Model Throughput", "Init Time", "Run Time")
    found = {}
    for line in lines:
        for key in (*wanted, "Final Time", "Actual Ocn Init Wait Time"):
            if line.strip().startswith(key):
                found[key] = float(line.split(":")[1].split()[0])
                if key in ("total pes", "mpi tasks", "pe count"):
                    assert line.split(":")[1].split(" ")[1], "one blank after the colon"
    assert len(found) == 9
    return found


def read_run_rows(lines: list[str]) -> dict[str, tuple[float, float, float]]:
    start = next(i for i, line in enumerate(lines) if line.split()[:1] == ["TOT"])
    rows = {}
    for line in lines[start : start + 11]:
        words = line.split()
        name = words[0] if words[1] == "Run" else f"{words[0]}_COMM"
        rows[name] = (float(words[3]), float(words[5]), float(words[7]))
    return rows
