"""Check a forcing file of any supported kind and list what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kiloland.atmosphere.calendar import decode_times, describe_seconds
from kiloland.atmosphere.fields import FIELDS, check_units, check_values
from kiloland.atmosphere.findings import Finding
from kiloland.atmosphere.record import TIME_NAMES, check_record, load_record
from kiloland.atmosphere.stamps import check_stamps, sample_interval
from kiloland.atmosphere.stuck import stuck_samples
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset

CELLS_CHECKED_FOR_STUCK: int = 64
"""Cells of a gridded file, evenly spread, whose series are searched for stuck samples; limits are
checked in all."""
BLOCK_BYTES: int = 256 * 2**20


def check_forcing_file(path: str | Path) -> list[Finding]:
    """Findings in a forcing file: a record of one place (netCDF or CSV) or a stream file of many cells.

    Units, physical limits and disguised units, missing values, time stamps, stuck, copied and jumping
    samples. Raises InputError only where the file cannot be read at all.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError("no such file", file=file)
    if file.name.removesuffix(".gz").endswith((".csv", ".txt")) or not _is_gridded(file):
        record, findings = load_record(file)
        return findings + check_record(record)
    with open_dataset(file) as dataset:
        return _check_gridded(dataset)


def _is_gridded(file: Path) -> bool:
    """Whether any forcing variable has more entries than its time axis."""
    with open_dataset(file) as dataset:
        lengths = [dataset[name].shape[0] for name in TIME_NAMES if name in dataset]
        sizes = [int(np.prod(dataset[name].shape)) for name in FIELDS if name in dataset]
    return bool(lengths) and any(size > lengths[0] for size in sizes)


def _check_gridded(dataset: Dataset) -> list[Finding]:
    """Findings in a file ``[time, ...cells]``, block by block in time."""
    file = str(dataset.path)
    time = next(dataset[name] for name in TIME_NAMES if name in dataset)
    axis = decode_times(
        time.read(), str(time.attributes.get("units", "")), time.attributes.get("calendar"), file=file
    )
    findings = check_stamps(axis.seconds, file)

    def describe(first: int, last: int, cell: int | None) -> str:
        a, b = (describe_seconds(int(axis.seconds[position])) for position in (first, last))
        return f"samples {first} to {last} ({a} to {b})" + ("" if cell is None else f", entry {cell}")

    series: dict[str, np.ndarray[tuple[int, int], np.dtype[np.float64]]] = {}
    for name in FIELDS:
        if name not in dataset or dataset[name].dims[:1] != time.dims:
            continue
        variable, field = dataset[name], FIELDS[name]
        findings += check_units(field, variable.attributes.get("units"), file)
        entries = int(np.prod(variable.shape[1:]))
        masked = _always_missing(variable.values(slice(0, 1)).reshape(-1))
        kept = np.flatnonzero(~masked)
        block = max(1, BLOCK_BYTES // (8 * max(entries, 1)))
        chosen = kept[:: max(1, len(kept) // CELLS_CHECKED_FOR_STUCK)][:CELLS_CHECKED_FOR_STUCK]
        parts = []
        for start in range(0, len(axis.kept), block):
            rows = axis.kept[start : start + block]
            values = variable.values(slice(int(rows[0]), int(rows[-1]) + 1)).reshape(-1, entries)[
                rows - rows[0]
            ]
            shifted = lambda a, b, cell, start=start: describe(a + start, b + start, cell)  # noqa: E731
            findings += check_values(field, values[:, kept], file, shifted)
            parts.append(values[:, chosen])
        series[name] = np.concatenate(parts) if parts else np.zeros((0, len(chosen)))
    interval = sample_interval(axis.seconds)
    for column in range(min((part.shape[1] for part in series.values()), default=0)):
        cell = {name: np.ascontiguousarray(part[:, column]) for name, part in series.items()}
        findings += stuck_samples(cell, interval, file, describe)
    return findings


def _always_missing(
    first: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Entries outside the land: missing in the first sample."""
    missing: np.ndarray[tuple[int], np.dtype[np.bool_]] = ~np.isfinite(first)
    return missing
