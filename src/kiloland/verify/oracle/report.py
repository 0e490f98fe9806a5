"""The outcome of the oracle as a table, as JSON and as a page of the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from kiloland import __version__
from kiloland.verify.oracle.processes import PROCESSES
from kiloland.verify.oracle.rows import Outcome, Row, Verdict
from kiloland.verify.text import plain

RULE = "relative difference: |a - b| / max(|b|, scale); bars marked abs limit |a - b| in the variable's units"
Table = list[tuple[str, ...]]


def to_json(outcome: Outcome) -> str:
    """Every row; infinite differences are text."""
    counts = outcome.verdicts
    document = {
        "kiloland": __version__,
        "material": outcome.material,
        "rule": RULE,
        "summary": {verdict.value: counts[verdict] for verdict in Verdict},
        "exit_code": int(outcome.exit_code),
        "rows": [_record(row) for row in outcome.rows],
    }
    return json.dumps(plain(document), indent=1, allow_nan=False) + "\n"


def _record(row: Row) -> dict[str, Any]:
    return {
        "run": row.run,
        "process": row.process,
        "variable": row.variable,
        "pairs": row.pairs,
        "largest_absolute": row.largest_absolute,
        "largest_relative": row.largest_relative,
        "scale": row.scale,
        "bar": row.bar.value,
        "measure": row.bar.measure.value,
        "verdict": row.verdict.value,
        "place": row.place,
        "reason": row.reason,
    }


def to_table(outcome: Outcome, every_row: bool = False) -> str:
    """The outcome as text: variables over all runs, runs by process, what was left out, bars missed."""
    lines = []
    if every_row:
        lines += ["every comparison", *_aligned(every(outcome)), ""]
    else:
        lines += ["by process and variable, over all runs", *_aligned(by_variable(outcome)), ""]
        lines += ["by run and process", *_aligned(by_run(outcome)), ""]
    for process, reason, count, runs in skipped(outcome)[1:]:
        lines += [f"SKIPPED {process}: {f'{count} ' if count else ''}{reason}", f"        in {runs}"]
    lines.append("")
    failed = [row for row in outcome.rows if row.verdict is Verdict.FAIL]
    if failed:
        lines += [f"MISSED {_where(row)}: {_numbers(row)}, bar {row.bar}, at {row.place}" for row in failed]
        lines.append("")
    return "\n".join([*lines, RULE, summary(outcome)])


def summary(outcome: Outcome) -> str:
    """One line that says how it ended."""
    counts = outcome.verdicts
    runs = {row.run for row in outcome.rows if row.verdict is not Verdict.SKIPPED}
    pairs = sum(row.pairs for row in outcome.rows if row.verdict is not Verdict.SKIPPED)
    if not runs:
        return f"nothing was compared ({counts[Verdict.SKIPPED]} skipped)"
    return (
        f"{counts[Verdict.PASS]} comparisons within their bars, {counts[Verdict.FAIL]} not, "
        f"{counts[Verdict.SKIPPED]} skipped; {len(runs)} runs, {pairs:,} pairs of values"
    )


def by_variable(outcome: Outcome) -> Table:
    """Process and variable with the largest differences over all runs."""
    table: Table = [
        ("process", "variable", "runs", "pairs", "absolute", "relative", "scale", "bar", "verdict")
    ]
    for (process, variable), rows in _grouped(
        _in_order(outcome.rows), lambda row: (row.process, row.variable)
    ).items():
        scale = "" if rows[0].scale is None else f"{rows[0].scale:g}"
        table.append(
            (process, variable, f"{len(rows)}", *_worst(rows), scale, str(rows[0].bar), _verdict(rows))
        )
    return table


def by_run(outcome: Outcome) -> Table:
    """Run and process with the largest differences over all variables."""
    table: Table = [("run", "process", "variables", "pairs", "absolute", "relative", "bar", "verdict")]
    for (run, process), rows in _grouped(outcome.rows, lambda row: (row.run, row.process)).items():
        table.append((run, process, f"{len(rows)}", *_worst(rows), str(rows[0].bar), _verdict(rows)))
    return table


def every(outcome: Outcome) -> Table:
    """One line for each comparison."""
    table: Table = [
        ("run", "process", "variable", "pairs", "absolute", "relative", "scale", "bar", "verdict")
    ]
    for row in outcome.rows:
        if row.verdict is not Verdict.SKIPPED:
            table.append(
                (
                    row.run,
                    row.process,
                    row.variable,
                    *_worst([row]),
                    f"{row.scale:g}",
                    str(row.bar),
                    row.verdict.value,
                )
            )
    return table


def missed(outcome: Outcome) -> Table:
    """Every comparison beyond its bar, with the place of the largest difference."""
    table: Table = [("process", "run", "variable", "pairs", "absolute", "relative", "bar", "place")]
    for row in _in_order(outcome.rows):
        if row.verdict is Verdict.FAIL:
            table.append(
                (row.process, row.run, row.variable, *_worst([row]), str(row.bar), str(row.place or ""))
            )
    return table


def skipped(outcome: Outcome) -> Table:
    """What was left out and why; reasons that runs share stand once, without the path of the material."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in _in_order(outcome.rows):
        if row.verdict is Verdict.SKIPPED:
            reason = row.reason.replace(f"{outcome.material}/", "").replace(f"{row.run}: ", "")
            reason = reason.replace(f"{row.run}/", "")
            groups.setdefault((row.process, reason), []).append(row)
    table: Table = [("process", "reason", "count", "runs")]
    for (process, reason), rows in groups.items():
        count = sum(row.pairs for row in rows)
        table.append((process, reason, f"{count:,}" if count else "", ", ".join(row.run for row in rows)))
    return table


def to_markdown(outcome: Outcome) -> str:
    """A page with the tables and how to make them again."""
    processes: Table = [("process", "compares", "needs", "bar")]
    processes += [(p.name, p.compares, p.needs, str(p.bar)) for p in PROCESSES]
    return "\n".join(
        [
            _INTRODUCTION,
            "## What is compared\n",
            *_markdown(processes),
            f"\nA {RULE}.\n",
            "## Result\n",
            f"{summary(outcome)}.\n",
            "### By process and variable, over all runs\n",
            *_markdown(by_variable(outcome)),
            "\n### By run and process\n",
            *_markdown(by_run(outcome)),
            "\n## Bars missed\n",
            *(_markdown(missed(outcome)) if outcome.verdicts[Verdict.FAIL] else ["None."]),
            "\n## Skipped\n",
            *_markdown(skipped(outcome)),
            "",
        ]
    )


_INTRODUCTION = """\
# Evidence: comparison with the Fortran model

This page is written by `kiloland oracle --markdown docs/oracle.md`; do not edit it.

`make oracle` compares this model, process by process, with output of the Fortran E3SM Land Model. It reads
the list of runs `oracle.json` in a folder (default `data/elm` below `KILOLAND_SHARED` or `../shared`), makes
every comparison that the material allows, prints the tables and writes every row as JSON. On other material
of the same kind:

    make oracle ORACLE=/path/to/folder
    kiloland oracle /path/to/folder --run RUN --process albedo --json result.json

Inputs of a run that the folder lacks are taken from the default folder. Tapes may lie with another run of the
same case, if its states are those of the restarts. Material that cannot be read or is not as expected is
skipped with a reason that names the file. Rows are written after each run; `--resume result.json` goes on
with them after an interruption, and may be given for several parts made at once. Exit codes: 0 all bars met,
1 a bar missed, 2 nothing compared.
"""


def _in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows by the order of the processes, otherwise as they came."""
    order = {process.name: number for number, process in enumerate(PROCESSES)}
    return sorted(rows, key=lambda row: order.get(row.process, len(order)))


def _grouped(rows: Iterable[Row], key: Any) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        if row.verdict is not Verdict.SKIPPED:
            groups.setdefault(key(row), []).append(row)
    return groups


def _worst(rows: Sequence[Row]) -> tuple[str, str, str]:
    """Pairs, largest absolute and largest relative difference."""
    return (
        f"{sum(row.pairs for row in rows):,}",
        f"{max(row.largest_absolute or 0.0 for row in rows):.2g}",
        f"{max(row.largest_relative or 0.0 for row in rows):.2g}",
    )


def _verdict(rows: Sequence[Row]) -> str:
    missed = sum(row.verdict is Verdict.FAIL for row in rows)
    return f"FAIL ({missed})" if missed else "pass"


def _where(row: Row) -> str:
    return f"{row.run}, {row.process}, {row.variable}"


def _numbers(row: Row) -> str:
    return f"absolute {row.largest_absolute:.3g}, relative {row.largest_relative:.3g} of {row.pairs:,}"


def _aligned(table: Table) -> list[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]


def _markdown(table: Table) -> list[str]:
    head, *body = table
    lines = [f"| {' | '.join(row)} |" for row in (head, tuple("---" for _ in head), *body)]
    return [line.replace("__", r"\_\_") for line in lines]
