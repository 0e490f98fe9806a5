"""Rows of an earlier comparison, read from its JSON, so that an interrupted one goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kiloland import __version__
from kiloland.errors import InputError
from kiloland.verify.oracle.processes import PROCESSES, Process
from kiloland.verify.oracle.rows import Measure, Row, Verdict

Saved = Mapping[tuple[str, str], Sequence[Row]]
"""Rows by run and process."""


def read_saved(paths: Iterable[Path], material: Path) -> Saved:
    """The rows of JSON files that the oracle wrote, those of a later file where two have the same.

    Verdicts follow the bars of today. Rows of processes that no longer exist are left out.

    Args:
        paths: the files.
        material: folder of the list of runs, which must be theirs.

    Raises:
        InputError: no such file, not of the oracle, of another version or of other material.
    """
    processes = {process.name: process for process in PROCESSES}
    found: dict[tuple[str, str], list[Row]] = {}
    for path in paths:
        document = _document(path)
        for name, here in (("kiloland", __version__), ("material", str(material))):
            if document.get(name) != here:
                raise InputError(
                    "these rows cannot be used again: another run of the oracle",
                    file=path,
                    where=name,
                    found=document.get(name),
                    expected=here,
                )
        fresh: dict[tuple[str, str], list[Row]] = {}
        try:
            for record in document["rows"]:
                process = processes.get(record["process"])
                if process is not None:
                    row = _row(record, process)
                    fresh.setdefault((row.run, row.process), []).append(row)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "a row is not understood", file=path, found=f"{type(error).__name__}: {error}"
            ) from None
        found |= fresh
    return found


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError("no rows of an earlier comparison", file=path, found=error) from None
    if not isinstance(document, dict):
        raise InputError("no rows of an earlier comparison", file=path, expected="JSON of the oracle")
    return document


def _row(record: Mapping[str, Any], process: Process) -> Row:
    bar = process.bar_of(record["variable"])
    absolute, relative, scale = (
        None if record[name] is None else float(record[name])
        for name in ("largest_absolute", "largest_relative", "scale")
    )
    verdict = Verdict(record["verdict"])
    if verdict is not Verdict.SKIPPED:
        error = absolute if bar.measure is Measure.ABSOLUTE else relative
        verdict = Verdict.PASS if error is not None and error <= bar.value else Verdict.FAIL
    return Row(
        run=str(record["run"]),
        process=process.name,
        variable=str(record["variable"]),
        pairs=int(record["pairs"]),
        largest_absolute=absolute,
        largest_relative=relative,
        scale=scale,
        bar=bar,
        verdict=verdict,
        place=str(record["place"]),
        reason=str(record["reason"]),
    )
