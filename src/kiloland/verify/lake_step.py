"""Evidence for lakes: every variable of lake columns from ELM's restart to its next one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from jaxtyping import Array

from kiloland.land.biophysics.lake_hydrology import total_lake_water
from kiloland.land.lake_state import lake_ground_of
from kiloland.land.lake_step import LakeOutput
from kiloland.run.lake_columns import lake_fields, load_lakes
from kiloland.run.restart import Restart
from kiloland.verify.lake_columns import LakeCase, LakeResult, Values, advance_lakes, lake_case, lakes_of
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.checks import at
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import FILL, Difference, difference
from kiloland.verify.temperature import OracleStep

NO_LAKES = "no lake columns"
MOST_STEPS = 48
LONG_AGO = "more than 48 steps from the restart before"
FLUX_STATES = ("ground_temperature", "friction_velocity", "roughness", "longwave_out", "screen_temperature")
HEAT_STATES = ("water_temperature", "ice_fraction", "eddy_conductivity")
Picture = Callable[[LakeOutput], Mapping[str, Array]]
"""Our values by names of tape fields."""


def flux_fields(output: LakeOutput) -> Mapping[str, Array]:
    """What the tapes hold of radiation and of the exchange with the air."""
    fluxes, radiation = output.fluxes, output.radiation
    return {
        "SABG": output.sunlight.absorbed,
        "FSA": radiation.absorbed,
        "FSR": radiation.reflected,
        "FSH_G": fluxes.sensible,
        "EFLX_LH_TOT": fluxes.latent,
        "QFLX_EVAP_TOT": fluxes.evaporation,
        "QSOIL": fluxes.evaporation,
        "FIRE": fluxes.longwave_up,
        "EFLX_GNET": fluxes.net_heat,
        "TAUX": fluxes.eastward_stress,
        "RAM1": fluxes.momentum_resistance,
        "FV": fluxes.friction_velocity,
        "Z0MG": fluxes.roughness,
        "Z0HG": fluxes.roughness_heat,
        "Z0QG": fluxes.roughness_moisture,
        "TSA": fluxes.screen_temperature,
        "Q2M": fluxes.screen_humidity,
    }


def water_fields(output: LakeOutput) -> Mapping[str, Array]:
    """What the tapes hold of water."""
    water = output.hydrology
    return {
        "QFLX_EVAP_GRND": water.surface.evaporation,
        "QFLX_SUB_SNOW": water.surface.sublimation,
        "QFLX_DEW_GRND": water.surface.dew,
        "QFLX_DEW_SNOW": water.surface.frost,
        "QRGWL": water.runoff,
        "QSNOMELT": water.melted,
        "QSNWCPICE": water.capped_ice,
    }


def lake_fluxes_evidence(bench: Bench) -> Iterator[Finding]:
    """Surface temperature and fluxes of each step."""
    yield from _one_step(bench, FLUX_STATES, flux_fields)


def lake_temperature_evidence(bench: Bench) -> Iterator[Finding]:
    """Water and ice of each layer, and the sediment."""
    yield from _one_step(bench, HEAT_STATES, lambda output: {})


def lake_step_evidence(bench: Bench) -> Iterator[Finding]:
    """Every variable of lake columns after each step, water on the tapes, budgets."""
    yield from _one_step(bench, tuple(lake_fields()), water_fields, complete=True)


def lake_days_evidence(bench: Bench) -> Iterator[Finding]:
    """Our own state carried on from the first restart by the forcing alone, against all that follow."""
    case = lake_case(bench)
    if case is None:
        yield Skipped(NO_LAKES)
        return
    timestep = bench.run.timestep
    state, time = load_lakes(bench.restarts[0].restart, case.group), bench.restarts[0].time
    for item in bench.restarts[1:]:
        steps = range(time, item.time, timestep)
        if len(steps) > MOST_STEPS:
            yield Skipped(LONG_AGO, case.group.columns)
            state, time = load_lakes(item.restart, case.group), item.time
            continue
        for start in steps:
            result = advance_lakes(case, [start], float(timestep), [state])
            state = lakes_of(result, 0)
        time = item.time
        yield from at(item.name, _against_restart(case, item.restart, result, 0, tuple(lake_fields())))


def _one_step(
    bench: Bench, names: tuple[str, ...], picture: Picture, complete: bool = False
) -> Iterator[Finding]:
    case = lake_case(bench)
    if case is None:
        yield Skipped(NO_LAKES)
        return
    starts = [step.before.seconds for step in bench.steps]
    states = [load_lakes(step.before, case.group) for step in bench.steps]
    result = advance_lakes(case, starts, float(bench.run.timestep), states)
    ours = picture(result.output)
    for number, step in enumerate(bench.steps):
        found = [*_against_restart(case, step.after, result, number, names)]
        for name, values in ours.items():
            if name in step.tape:
                reference = _on_tape(step, case, name)
                mask = np.abs(reference) < FILL
                found.append(difference(name, result.of(values, number), reference, mask))
        if complete:
            found += _totals(case, step, result, number)
        yield from at(step.before.path.name, found)


def _against_restart(
    case: LakeCase, after: Restart, result: LakeResult, number: int, names: tuple[str, ...]
) -> Iterator[Difference]:
    """State fields against the variables of a restart, in every row."""
    for name, field in lake_fields().items():
        if name not in names:
            continue
        rows = case.group.patch_row if field.on_patch else case.group.column_row
        values = result.of(getattr(result.state, name), number)
        parts = values if name == "aerosol_mass" else values[None]
        for variable, part in zip(field.variables, parts, strict=True):
            reference = np.asarray(after.values[variable][rows], np.float64).T
            yield difference(variable, np.asarray(part, np.float64), reference)


def _totals(case: LakeCase, step: OracleStep, result: LakeResult, number: int) -> Iterator[Difference]:
    """The water of the column, where the restart keeps it, and what the budgets miss."""
    total = result.of(total_lake_water(lake_ground_of(result.state)), number)
    if "ENDWB" in step.after.values:
        reference = np.asarray(step.after.values["ENDWB"][case.group.column_row], np.float64)
        yield difference("ENDWB", total, reference)
    for field in dataclasses.fields(result.output.budgets):
        missed = result.of(getattr(result.output.budgets, field.name), number)
        yield difference(f"{field.name} budget", missed, np.zeros_like(missed))


def _on_tape(step: OracleStep, case: LakeCase, name: str) -> Values:
    """A field of the tape for the lakes of a run."""
    level = step.tape[name].dims[-1]
    rows = {"column": case.group.column_row, "pft": case.group.patch_row}.get(level, case.group.gridcell)
    return np.asarray(step.tape[name].read(step.record), np.float64)[..., rows]
