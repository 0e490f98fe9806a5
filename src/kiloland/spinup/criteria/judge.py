"""The verdict: each criterion met or not, and all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from kiloland.errors import InputError
from kiloland.spinup.criteria.cycles import Windows, choose_windows
from kiloland.spinup.criteria.definitions import (
    CELL_DRIFT,
    CRITERIA,
    LAND_SHARE,
    Criterion,
    namelist_line,
)
from kiloland.spinup.criteria.groups import GroupDrift, group_drifts
from kiloland.spinup.criteria.measure import Measured, PatchDrift, measure, plant_drifts, share_above
from kiloland.spinup.criteria.tapes import Cells, History

REFERENCE = "TOTECOSYSC"


class Verdict(Enum):
    """Of one criterion."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judged:
    """One criterion: its measure, the limit per area, and the verdict."""

    measured: Measured
    limit: float | None
    verdict: Verdict
    reason: str

    @property
    def criterion(self) -> Criterion:
        """The criterion."""
        return self.measured.criterion


@dataclass(frozen=True)
class SpinupCheck:
    """All of it. ``equilibrium`` None: it cannot be judged."""

    files: tuple[Path, ...]
    windows: Windows
    cells: Cells
    judged: tuple[Judged, ...]
    share: float
    missing: tuple[str, ...]
    groups: tuple[GroupDrift, ...]
    plants: tuple[PatchDrift, ...]
    notes: tuple[str, ...]

    @property
    def share_met(self) -> bool:
        """Whether little enough land drifts."""
        return self.share < LAND_SHARE

    @property
    def equilibrium(self) -> bool | None:
        """Whether every criterion that decides is met."""
        verdicts = [one.verdict for one in self.judged if one.criterion.decides]
        if Verdict.MISSED in verdicts or not self.share_met:
            return False
        return None if Verdict.UNKNOWN in verdicts else True

    def of(self, field: str) -> Judged | None:
        """The judgement of one field."""
        return next((one for one in self.judged if one.criterion.field == field), None)


def check_spinup(files: Sequence[Path], cycle: int | None = None) -> SpinupCheck:
    """Judge the history files of one run.

    Raises InputError where a field without which nothing can be said is missing (with the namelist line
    that adds it), the years are too few, counted twice or missing, or files do not belong together.
    """
    with History.of(files) as history:
        require(history)
        reference = history.series(REFERENCE)
        assert reference is not None
        cells = history.cells()
        windows = choose_windows(history, reference, cells, cycle)
        patches = history.patches()
        found: dict[str, Measured] = {}
        for criterion in CRITERIA:
            one = measure(history, criterion, windows, cells, patches)
            if one is not None:
                found[criterion.field] = one
        plants = [
            drift
            for criterion in CRITERIA
            if patches is not None
            for drift in plant_drifts(history, criterion, windows, cells, patches, CELL_DRIFT)
        ]
        carbon = found[REFERENCE]
        return SpinupCheck(
            tuple(files),
            windows,
            cells,
            tuple(judged(one, found) for one in found.values()),
            share_above(carbon.change, cells.land, CELL_DRIFT),
            tuple(one.field for one in CRITERIA if one.field not in found),
            tuple(group_drifts(carbon, cells, patches, CELL_DRIFT)),
            tuple(plants),
            notes_of(found, windows),
        )


def require(history: History) -> None:
    """Raise InputError where fields are missing without which nothing can be said."""
    missing = [one.field for one in CRITERIA if one.needed and absent(history, one.field)]
    if missing:
        raise InputError(
            "fields are missing without which equilibrium cannot be judged",
            file=history.files[0].path,
            variable=", ".join(missing),
            expected="means of each year or month",
            hint=f"Add to user_nl_elm: {namelist_line(missing)}",
        )


def absent(history: History, field: str) -> bool:
    """Whether no tape has a field, per cell or (but for the reference) per patch."""
    if history.series(field) is not None:
        return False
    return field == REFERENCE or history.series(field, patches=True) is None


def judged(measured: Measured, found: dict[str, Measured]) -> Judged:
    """Hold one field against its limits, per area and (where there is one) over the land."""
    criterion = measured.criterion
    limit = limit_of(measured, found)
    if limit is None:
        return Judged(measured, None, Verdict.UNKNOWN, f"no {criterion.like} to take the limit from")
    reasons = []
    if abs(measured.mean) > limit:
        reasons.append(f"{measured.mean:.4g} {criterion.shown}, limit {limit:.4g}")
    if criterion.total is not None and abs(measured.total) > criterion.total:
        reasons.append(f"{measured.total:.4g} PgC over the land, limit {criterion.total:g}")
    if reasons:
        return Judged(measured, limit, Verdict.MISSED, "; ".join(reasons))
    if measured.rounding > limit:
        return Judged(measured, limit, Verdict.UNKNOWN, "single precision on file hides such a drift")
    return Judged(measured, limit, Verdict.MET, "")


def limit_of(measured: Measured, found: dict[str, Measured]) -> float | None:
    """Limit per area; of N and P that of carbon times the ratio of their stocks."""
    criterion = measured.criterion
    if criterion.like is None:
        return criterion.limit
    carbon = found.get(criterion.like)
    if carbon is None or carbon.criterion.limit is None or not carbon.stock > 0.0:
        return None
    return carbon.criterion.limit * abs(measured.stock) / carbon.stock


def notes_of(found: dict[str, Measured], windows: Windows) -> tuple[str, ...]:
    """What the reader should know."""
    notes = [f"averaged over {windows.years:g} years: {windows.found_by}"]
    dropped = max((one.left_out for one in found.values()), default=0)
    if dropped:
        notes.append(f"{dropped} record that is no mean was left out (first sample of a cold start)")
    patched = [name for name, one in found.items() if one.from_patches]
    if patched:
        notes.append(f"from the tape of patches: {', '.join(patched)}")
    least = min((int(np.isfinite(one.change).sum()) for one in found.values()), default=0)
    if least == 0:
        notes.append("a field has no cell with a number")
    return tuple(notes)
