"""Per-step tapes: which record belongs to which step, and to which run they belong."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.land.vertical import SNOW_LAYERS
from kiloland.run.clock import seconds_of_date
from kiloland.run.restart import Restart, load_state, soil_columns
from kiloland.verify.oracle.material import Material, RunEntry, TapeEntry

MOST_OPEN = 3
"""Tapes kept in memory; one of five days has 200 MB."""
DATES_COMPARED = 4


@dataclass(frozen=True)
class StepTape:
    """A tape with one record a step: ``records`` maps the end of a step (s) to its record."""

    path: Path
    dataset: Dataset
    records: Mapping[int, int]


class Shelf:
    """Opens tapes; keeps the last few, and the dates of all that were ever opened."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, Dataset] = OrderedDict()
        self._records: dict[tuple[Path, int], dict[int, int]] = {}

    def dataset(self, path: Path) -> Dataset:
        """The tape, opened anew where it is no longer kept."""
        if path not in self._open:
            self._open[path] = open_dataset(path)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
        self._open.move_to_end(path)
        return self._open[path]

    def records(self, path: Path, timestep: int) -> dict[int, int]:
        """Record of every step by its end; empty where the records are not of single steps."""
        key = (path, timestep)
        if key not in self._records:
            self._records[key] = step_records(self.dataset(path), timestep)
        return self._records[key]

    def tape(self, path: Path, timestep: int) -> StepTape:
        """A per-step tape."""
        return StepTape(path, self.dataset(path), self.records(path, timestep))


def step_records(dataset: Dataset, timestep: int) -> dict[int, int]:
    """Records of single steps by the end of the step, s; the sample before the first step is left out."""
    dates, seconds = dataset["mcdate"].read(), dataset["mcsec"].read()
    try:
        ends = [seconds_of_date(int(ymd), int(tod)) for ymd, tod in zip(dates, seconds, strict=True)]
    except InputError as error:
        raise InputError(error.problem, found=error.found, file=dataset.path, variable="mcdate") from None
    single = all(second - first == timestep for first, second in pairwise(ends))
    if len(ends) == 1 and "time_bounds" in dataset:
        first, second = dataset["time_bounds"].read(0)
        single = abs((second - first) * 86400.0 - timestep) < 60.0
    return {end: number for number, end in enumerate(ends) if end >= timestep} if single else {}


def tapes_of_run(
    run: RunEntry, material: Material, restarts: Sequence[tuple[int, Restart]], shelf: Shelf
) -> tuple[list[StepTape], list[str]]:
    """Double per-step tapes with columns and patches that belong to the restarts of a run.

    The run's own first. A tape of another run counts where it has the same case, a record at the date of
    one of the restarts, and there the same states.

    Returns:
        the tapes, and for each tape that does not serve the reason why.
    """
    found: list[StepTape] = []
    reasons: list[str] = []
    sisters = [
        entry for other in material.runs if other is not run and other.same_case(run) for entry in other.tapes
    ]
    for entry, own in [*((tape, True) for tape in run.tapes), *((tape, False) for tape in sisters)]:
        if not (entry.subgrid and entry.double):
            if own and entry.subgrid:
                reasons.append(f"{entry.path}: in single precision")
            continue
        if not own and found:
            break
        reason = _refusal(entry, own, run.timestep, restarts, shelf)
        if not reason:
            found.append(shelf.tape(entry.path, run.timestep))
        elif own:
            reasons.append(reason)
    return found, reasons


def _refusal(
    entry: TapeEntry, own: bool, timestep: int, restarts: Sequence[tuple[int, Restart]], shelf: Shelf
) -> str:
    """Why a tape does not belong to the restarts; empty where it does."""
    try:
        records = shelf.records(entry.path, timestep)
    except InputError as error:
        return str(error)
    if not records:
        return f"{entry.path}: records are not of single steps"
    common = [(time, restart) for time, restart in restarts if time in records]
    if not common:
        return "" if own else f"{entry.path}: no record at the date of a restart"
    dataset = shelf.dataset(entry.path)
    for dim in ("column", "pft"):
        size, wanted = dataset.dimensions.get(dim), common[0][1].dimensions.get(dim)
        if size != wanted:
            return f"{entry.path}: {size} members of {dim}, {wanted} in {common[0][1].path.name}"
    step = max(1, len(common) // DATES_COMPARED)
    equal, total = 0, 0
    for time, restart in common[::step]:
        same = [*_same_states(restart, dataset, records[time])]
        equal, total = equal + sum(same), total + len(same)
    # More than half: one changed value in a restart must end as a difference, not as another run.
    if total and 2 * equal < total:
        return f"{entry.path}: states differ from the restarts of the same dates ({equal} of {total} equal)"
    return ""


def _same_states(restart: Restart, tape: Dataset, record: int) -> list[bool]:
    """For some states whether the tape's at the end of a step are those of the restart, bit for bit."""
    group = soil_columns(restart)
    state = load_state(restart, group)
    column, patch = state.column, state.patch
    states = {
        "TSOI": column.temperature[SNOW_LAYERS:],
        "SOILLIQ": column.liquid_water[SNOW_LAYERS:],
        "SOILICE": column.ice[SNOW_LAYERS:],
        "H2OSNO": column.snow_water,
        "COSZEN": column.cosine_zenith,
        "ELAI": patch.leaf_area,
        "ESAI": patch.stem_area,
        "TV": patch.leaf_temperature,
    }
    same = []
    for name, values in states.items():
        if name in tape and tape[name].dims[-1] in ("column", "pft"):
            rows = group.patch_row if tape[name].dims[-1] == "pft" else group.column_row
            same.append(np.array_equal(tape[name].read(record)[..., rows], np.asarray(values)))
    return same
