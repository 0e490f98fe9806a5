"""What the processes compare: each check takes a run on the bench and yields differences and omissions."""

from __future__ import annotations

import ast
import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.full_setup import terrain_of
from kiloland.run.restart import expand_state, load_state, soil_columns
from kiloland.run.setup import zenith_at_ends
from kiloland.variables import simulated_variables
from kiloland.verify.bare_ground import bare_ground_differences
from kiloland.verify.oracle.batch import batch_of
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import Difference, difference, flux_differences, recomputed_albedo
from kiloland.verify.soil_hydrology import hydrology_differences
from kiloland.verify.surface_split import same_layers, split_flux, with_snowfall
from kiloland.verify.temperature import (
    OracleStep,
    StepEvidence,
    advance,
    bare_and_dry,
    carried_evidence,
    column_mean,
    compare_step,
    restart_ground,
    state_during,
    step_evidence,
    total_flux,
)

GROWTH = 1.0 + 1.0e-9
"""A thicker layer than this share of what it was has taken in another one."""
LIMITED = "column steps in which evaporation takes all water of the top layer: fluxes after that limit"
SNOWY = "steps with snow in every column: snowfall changes the surface before the fluxes are computed"
AFTER_LIMIT = ("FSH_G", "EFLX_LH_TOT", "QSOIL", "QFLX_EVAP_GRND", "QFLX_SUB_SNOW")
FROZEN = "column steps with snow, a pond, or ice in the first soil layer, where the total flux is not enough"
NO_ALBEDO = "coszen is fill, no albedo has been computed yet"
SPLIT_FLUXES = (
    "column steps with {}: the fluxes split by snow, soil and pond are on no tape "
    "(the process 'temperature split' rebuilds them)"
)
CHANGED_LAYERS = "column steps in which snow layers were made, combined, divided or lost after the heat step"
INCIDENT_FIELDS = ("FSDSVD", "FSDSND", "FSDSVI", "FSDSNI")
FLUX_FIELDS = ("EFLX_GNET", "DGNETDT")
SPLIT_FIELDS = (
    *FLUX_FIELDS,
    *("CGRNDS", "CGRNDL", "QFLX_SNOW_GRND", "QBOT", "PBOT", "TBOT"),
    *INCIDENT_FIELDS,
)
WATER_FIELDS = (
    *("QTOPSOIL", "QINFL", "QVEGT", "ROOTR_COLUMN", "QFLX_EVAP_GRND", "QFLX_SUB_SNOW"),
    *("QFLX_DEW_GRND", "QFLX_DEW_SNOW", "FSAT", "QOVER", "QH2OSFC", "HK", "SMP", "QCHARGE", "QDRAI"),
    "QDRAI_PERCH",
)
BARE_FIELDS = (
    *FLUX_FIELDS,
    *("TBOT", "THBOT", "QBOT", "PBOT", "WIND", "ZBOT", "FLDS"),
    *("SABG", "EMG", "SoilAlpha", "Z0MG", "QSOIL"),
)


def at(where: str, found: Iterable[Difference]) -> Iterator[Difference]:
    """The same differences with the file in their place."""
    for item in found:
        yield dataclasses.replace(item, place=f"{where} {item.place}")


def rewrite(bench: Bench) -> Iterator[Finding]:
    """Every restart through the state and back, bit for bit."""
    for item in bench.restarts:
        group = soil_columns(item.restart)
        values, total = expand_state(item.restart, group, load_state(item.restart, group)), 0
        for name, original in item.restart.values.items():
            total += original.size
            changed = _different_bits(values[name], original)
            if changed:
                yield Difference(name, original.size, changed, math.inf, math.inf, 1.0, item.name)
        yield Difference("every variable", total, 0, 0.0, 0.0, 1.0, item.name)


def _different_bits(ours: NDArray[np.generic], original: NDArray[np.generic]) -> int:
    """Number of elements whose bytes differ."""
    if ours.dtype != original.dtype or ours.shape != original.shape:
        return max(original.size, 1)
    if original.size == 0:
        return 0
    a, b = (np.ascontiguousarray(v).view(np.uint8).reshape(v.size, -1) for v in (ours, original))
    return int((a != b).any(axis=1).sum())


def zenith(bench: Bench) -> Iterator[Finding]:
    """Cosine of the zenith angle of every active column from orbit and date."""
    year = bench.settings.orbital_year
    for item in bench.restarts:
        values, step = item.restart.values, bench.run.timestep
        cells = zenith_at_ends(item.time - step, step, 1, values["grid1d_lon"], values["grid1d_lat"], year)[0]
        active = np.flatnonzero((values["cols1d_active"] == 1) & (values["cols1d_wtxy"] > 0.0))
        reference = values["coszen"][active]
        if np.any(np.abs(reference) > 1.0):
            yield Skipped(f"{item.restart.path}: {NO_ALBEDO}", len(active), "coszen")
            continue
        ours = cells[values["cols1d_gridcell_index"][active].astype(np.int64) - 1]
        yield from at(item.name, [difference("coszen", ours, reference)])


def albedo(bench: Bench) -> Iterator[Finding]:
    """Albedos and canopy fractions of every restart from its own state, all restarts in one call."""
    colour, parameters = bench.surface.colour, bench.parameters
    usable = []
    for item in bench.restarts:
        columns = soil_columns(item.restart).column_row
        if np.any(np.abs(item.restart.values["coszen"][columns]) > 1.0):
            yield Skipped(f"{item.restart.path}: {NO_ALBEDO}", len(columns))
        elif len(columns):
            usable.append(item)
    if not usable:
        return
    batch = batch_of([item.restart for item in usable])
    ground, canopy = recomputed_albedo(batch.state, batch.group, colour, parameters)
    for variable in simulated_variables():
        part, name = variable.state.split(".")
        holder = ground if part == "column" else canopy
        if not hasattr(holder, name):
            continue
        count = (batch.columns if part == "column" else batch.patches)[-1]
        ours, reference = (
            np.asarray(getattr(values, name))[..., :count] for values in (holder, getattr(batch.state, part))
        )
        found = difference(variable.name, ours, reference)
        *levels, member = ast.literal_eval(found.place)
        number, position = batch.owner(member, part == "patch")
        yield dataclasses.replace(found, place=f"{usable[number].name} {(*levels, position)}")


def shortwave(bench: Bench) -> Iterator[Finding]:
    """Absorbed and reflected sunlight of every step that starts at a restart."""
    _need(bench, INCIDENT_FIELDS)
    for start in bench.starts:
        found = flux_differences(start.before.restart, start.tape.dataset, start.record)
        yield from at(start.before.name, found)


def temperature_one_step(bench: Bench) -> Iterator[Finding]:
    """From restart to restart, forced by the heat flux of the tape."""
    _need(bench, FLUX_FIELDS)
    for step in bench.steps:
        yield from _evidence(step, step_evidence(step, bench.soil(soil_columns(step.before))))


def temperature_consecutive(bench: Bench) -> Iterator[Finding]:
    """Temperature carried on by us as long as steps follow each other."""
    _need(bench, FLUX_FIELDS)
    for chain in _chains(bench.steps):
        soil = bench.soil(soil_columns(chain[0].before))
        yield from _evidence(chain[0], carried_evidence(chain, soil))


def temperature_total_flux(bench: Bench) -> Iterator[Finding]:
    """From restart to restart, forced by the flux into the ground that already knows its answer.

    A surface layer that stays unfrozen takes the same heat either way; others are left out.
    """
    _need(bench, ("EFLX_SOIL_GRND",))
    for step in bench.steps:
        group = soil_columns(step.before)
        before, after = restart_ground(step.before, group), restart_ground(step.after, group)
        during = state_during(before, after)
        result = advance(bench.soil(group), during, total_flux(step, group), step.timestep)
        thawed = np.ones(group.columns, bool)
        for state in (before, after, result.state):
            frozen = np.asarray(state.ice[SNOW_LAYERS] > 0.0)
            thawed &= ~frozen & (np.asarray(state.temperature[SNOW_LAYERS]) > FREEZING_POINT)
        snow, pond = bare_and_dry(before, after)
        kept = thawed & ~snow & ~pond
        if not kept.all():
            yield Skipped(FROZEN, int((~kept).sum()), "T_SOISNO")
        evidence = compare_step(result, step, after, group, kept)
        yield from at(step.before.path.name, _compared(evidence))


def temperature_split(bench: Bench) -> Iterator[Finding]:
    """From restart to restart in every column, the split fluxes rebuilt from what the tapes hold."""
    _need(bench, SPLIT_FIELDS)
    for step in bench.steps:
        evidence = _split_evidence(step, bench.soil(soil_columns(step.before)))
        yield from at(step.before.path.name, _compared(evidence))
        if evidence.skipped_snow:
            yield Skipped(CHANGED_LAYERS, evidence.skipped_snow, "T_SOISNO")


def _split_evidence(step: OracleStep, soil: SoilProperties) -> StepEvidence:
    """One step of the columns whose snow layers stayed the same ones.

    A layer that grew in thickness, or a change of their number, tells of combination or division, which
    mixes temperatures after the heat step.
    """
    group = soil_columns(step.before)
    before, after = restart_ground(step.before, group), restart_ground(step.after, group)
    during = with_snowfall(state_during(before, after), step, group)
    result = advance(soil, during, split_flux(step, group, soil, during), step.timestep)
    thickness = np.asarray(after.snow_thickness), np.asarray(result.state.snow_thickness)
    grown = np.asarray(snow_layer_mask(after.snow_index)) & (thickness[0] > thickness[1] * GROWTH)
    kept = same_layers(result.state, before, after) & ~grown.any(axis=0)
    return compare_step(result, step, after, group, kept, snow=int((~kept).sum()))


def bare_ground(bench: Bench) -> Iterator[Finding]:
    """Surface of snow-free columns and fluxes of their patches without plants."""
    _need(bench, BARE_FIELDS)
    for step in bench.steps:
        found = bare_ground_differences(step, bench.soil(soil_columns(step.before)))
        if not any(item.compared for item in found):
            yield Skipped(SNOWY, 1)
        limited = _limited_columns(step)
        if limited:
            yield Skipped(LIMITED, limited, "EFLX_LH_TOT")
        kept = (item for item in found if item.compared and not (limited and item.variable in AFTER_LIMIT))
        yield from at(step.before.path.name, kept)


def soil_water(bench: Bench) -> Iterator[Finding]:
    """Soil water from restart to restart, driven by the water fluxes of the tape."""
    _need(bench, (*SPLIT_FIELDS, *WATER_FIELDS))
    for step in bench.steps:
        group = soil_columns(step.before)
        terrain = terrain_of(bench.surface, group.gridcell)
        found = hydrology_differences(step, bench.soil(group), terrain, bench.largest_drainage)
        yield from at(step.before.path.name, (item for item in found if item.compared))


def _limited_columns(step: OracleStep) -> int:
    """Columns that evaporate as much as their top layer holds; the tape does not tell how much they would."""
    group = soil_columns(step.before)
    state = restart_ground(step.before, group)
    supply = np.asarray(state.liquid_water[SNOW_LAYERS] + state.ice[SNOW_LAYERS]) / step.timestep
    upward = np.asarray(column_mean(np.maximum(step.patches("QSOIL", group), 0.0), group))
    return int((upward > 0.999 * supply).sum())


def _evidence(step: OracleStep, evidence: StepEvidence) -> Iterator[Finding]:
    yield from at(step.before.path.name, _compared(evidence))
    for word, count in (("snow", evidence.skipped_snow), ("a pond", evidence.skipped_pond)):
        if count:
            yield Skipped(SPLIT_FLUXES.format(word), count, "T_SOISNO")


def _compared(evidence: StepEvidence) -> Iterator[Difference]:
    return (item for item in evidence.differences if item.compared)


def _chains(steps: Iterable[OracleStep]) -> list[list[OracleStep]]:
    """Steps in runs that follow each other."""
    chains: list[list[OracleStep]] = []
    for step in steps:
        if chains and chains[-1][-1].after is step.before:
            chains[-1].append(step)
        else:
            chains.append([step])
    return chains


def _need(bench: Bench, names: Iterable[str]) -> None:
    """Refuse tapes that lack a field."""
    for tape in bench.tapes:
        missing = [name for name in names if name not in tape.dataset]
        if missing:
            raise InputError(f"not on the tape: {', '.join(missing)}", file=tape.path)
