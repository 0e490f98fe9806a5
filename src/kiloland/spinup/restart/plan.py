"""What is asked for, and everything that is decided before the first part of a restart is computed."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.virtual import sha256_of
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.spinup.pools import PoolFile
from kiloland.spinup.restart.acceleration import DEFAULT_MORTALITY, Scale, read_factors, restart_scale
from kiloland.spinup.restart.blocks import Part, PoolParts, restart_parts
from kiloland.spinup.restart.checks import plants_with_wood
from kiloland.spinup.restart.findings import Findings
from kiloland.spinup.restart.heights import SPREAD, implied_mortality
from kiloland.spinup.restart.matching import Seen
from kiloland.spinup.restart.ratios import restart_ratios
from kiloland.spinup.restart.rules import Given, Means, given_phosphorus, plan_rules
from kiloland.spinup.restart.soils import SoilSource, read_sorption
from kiloland.spinup.restart.state import Origin, Setting
from kiloland.spinup.restart.statistics import VariableStatistics
from kiloland.spinup.subgrid import Landunit, no_soil, whole
from kiloland.spinup.tables import CASCADE, MINERAL_P, TOTALS

SCALAR: Final = "scalaravg_col"
STATE: Final = "spinup_state"


@dataclass(frozen=True)
class RestartRequest:
    """What is asked for.

    ``spinup_state`` None: chosen by :func:`state_after`. ``mortality_factor`` of the run that wrote the
    restart; None: read from the heights of trees. ``exit_mortality_factor`` of the run that will start from a
    file with state 1; None: the same.
    """

    restart: Path
    pools: Path
    output: Path
    dry_run: bool = False
    spinup_state: int | None = None
    surface: Path | None = None
    soil_orders: Path | None = None
    parameters: Path | None = None
    mortality_factor: float | None = None
    exit_mortality_factor: float | None = None


@dataclass
class Job:
    """Open files, the plan, and what is gathered on the way."""

    request: RestartRequest
    dataset: Dataset
    pools: PoolFile
    parts: list[Part]
    setting: Setting
    source: SoilSource | None
    wood: NDArray[np.bool_]
    notes: tuple[str, ...]
    findings: Findings
    statistics: dict[str, VariableStatistics]
    seen: Seen
    pool_parts: PoolParts
    columns: int = 0
    guarded: int = 0
    absent: int = 0

    @property
    def changed(self) -> tuple[str, ...]:
        """Vectors that are computed and not copied."""
        totals = tuple(name for name in TOTALS if name in self.dataset)
        scalar = (SCALAR,) if SCALAR in self.dataset and self.rescales else ()
        return (*self.setting.rules, *totals, *scalar)

    @property
    def rescales(self) -> bool:
        """Whether accelerated spinup is on the old or the new file."""
        return self.setting.before.accelerated or self.setting.after.accelerated


def prepared(request: RestartRequest, stack: ExitStack) -> Job:
    """Open the files, check that they belong together, and plan."""
    dataset = stack.enter_context(open_dataset(request.restart))
    pools = stack.enter_context(PoolFile(request.pools))
    require_soil(dataset)
    surface = stack.enter_context(open_dataset(request.surface)) if request.surface else None
    hash_note = check_source(request, pools)
    parts = restart_parts(dataset)
    mortality, wood_note = mortality_factor(request, dataset, parts)
    before = restart_scale(dataset, read_factors(request.parameters, mortality))
    state, why = state_after(request, before, frozenset(pools.names))
    after = Scale(
        read_factors(request.parameters, exit_mortality(request, mortality)), state == 1, state == 1
    )
    inserts = before.accelerated and not after.accelerated
    sorption = read_sorption(request.soil_orders) if request.soil_orders and surface else None
    means = Means(
        frozenset(pools.names), frozenset(dataset), inserts, surface is not None, sorption is not None
    )
    rules = plan_rules(means)
    setting = Setting(
        rules, before, after, restart_ratios(dataset, parts, rules), sorption, default_origin(pools), inserts
    )
    return Job(
        request,
        dataset,
        pools,
        parts,
        setting,
        SoilSource(surface) if surface is not None else None,
        plants_with_wood(dataset, parts),
        tuple(note for note in (hash_note, wood_note, why, *scale_notes(setting)) if note),
        Findings(),
        {name: VariableStatistics(name, rule.text) for name, rule in rules.items()},
        Seen(pools),
        PoolParts(pools),
    )


def require_soil(dataset: Dataset) -> None:
    """Raise InputError for a file without soil columns or without pools of the cascade."""
    landunit = whole(dataset, "cols1d_ityplun")
    if not np.isin(landunit, list(Landunit)).any():
        raise no_soil(dataset, "cols1d_ityplun", landunit)
    for name in (STATE, "pfts1d_column_index", *(f"{part}c_vr" for part in CASCADE)):
        dataset[name]


def check_source(request: RestartRequest, pools: PoolFile) -> str:
    """Raise InputError where the pools are of another restart; a note where they do not say."""
    said = pools.attributes.get("source_restart_sha256")
    if said is None:
        return "the file of pools does not say of which restart it is"
    found = sha256_of(request.restart)
    if str(said) != found:
        raise InputError(
            "the pools are of another restart",
            file=request.pools,
            variable="attribute source_restart_sha256",
            found=f"{str(said)[:12]}... ({pools.attributes.get('source_restart', 'unnamed')})",
            expected=f"{found[:12]}... ({request.restart.name})",
        )
    return ""


def mortality_factor(request: RestartRequest, dataset: Dataset, parts: list[Part]) -> tuple[float, str]:
    """The mortality factor of the run, and a note where what is given is not what the heights say."""
    accelerated = int(dataset[STATE].read()) == 1
    implied = implied_mortality(dataset, parts) if accelerated else None
    if request.mortality_factor is None:
        if implied is not None:
            return implied, f"mortality factor {implied:g}, read from the heights of trees"
        return DEFAULT_MORTALITY, f"mortality factor {DEFAULT_MORTALITY:g} taken for granted" * accelerated
    note = ""
    if implied is not None and abs(implied / request.mortality_factor - 1.0) > SPREAD:
        note = f"mortality factor {request.mortality_factor:g} as given; the heights of trees say {implied:g}"
    return request.mortality_factor, note


def exit_mortality(request: RestartRequest, mortality: float) -> float:
    """The mortality factor of the run that will leave accelerated spinup."""
    return mortality if request.exit_mortality_factor is None else request.exit_mortality_factor


def state_after(request: RestartRequest, before: Scale, given: frozenset[str]) -> tuple[int, str]:
    """The new ``spinup_state`` and why: as asked; else 0 where mineral P is known, else the restart's."""
    if request.spinup_state is not None:
        return request.spinup_state, ""
    if not before.accelerated:
        return 0, ""
    if given_phosphorus(given) or request.surface is not None:
        return 0, "spinup_state 0: all pools are in natural scale, mineral P is set here"
    return 1, "spinup_state 1: ELM itself rescales and inserts mineral P (no --surface, no mineral P given)"


def scale_notes(setting: Setting) -> list[str]:
    """What the reader should know of the scales."""
    notes = []
    if setting.before.accelerated and not setting.before.divides:
        notes.append(
            "the restart is from before year 40 of accelerated spinup: its averaged scalars are not used, "
            "natural = stored * factor"
        )
    if setting.before.just_divides:
        notes.append(
            f"in year {setting.before.year} ELM has divided its rates by the averaged scalars for few years "
            "only: slow pools that the file of pools lacks come out too large, as they would in ELM"
        )
    if setting.after.accelerated:
        factor = setting.after.factors.mortality
        notes.append(
            f"the run that starts from this file must set spinup_mortality_factor = {factor:g} and "
            "spinup_state = 0: where the factor is unset ELM takes 1, and dead wood stays too small"
        )
    names = [f"{part}_vr" for part in MINERAL_P]
    given = any(isinstance(setting.rules.get(name), Given) for name in names)
    if setting.after.accelerated and given:
        notes.append(
            "mineral P of the file of pools will be replaced by ELM when it leaves accelerated spinup"
        )
    return notes


def default_origin(pools: PoolFile) -> Origin:
    """Origin of columns where the file of pools does not say."""
    method = str(pools.attributes.get("method", "")).lower()
    return Origin.PREDICTED if "network" in method or "predict" in method else Origin.SOLVED
