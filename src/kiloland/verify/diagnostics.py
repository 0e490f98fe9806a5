"""Evidence for the diagnostics of soil and snow: from the restarts around a step against its tape.

Soil columns. Water in the soil is told before dew, frost and drainage change it at the end of the step, which
no file has; it is compared where they were none, no upper layer is full and nothing is frozen; its
potential above the water table.
"""

from __future__ import annotations

from collections.abc import Iterator

import jax
import numpy as np

from kiloland.land.biophysics.thermal_properties import thermal_properties
from kiloland.land.biophysics.water_table import water_volume
from kiloland.land.diagnostics import (
    fire_wetness,
    heat_content,
    snow_bulk_density,
    snow_rows,
    snow_sum,
    snow_top,
    soil_potential,
    topsoil_temperature,
    topsoil_water,
)
from kiloland.land.soil_properties import SoilProperties
from kiloland.land.vertical import SNOW_LAYERS, SOIL_LAYERS, column_grid, ground_grid
from kiloland.run.restart import load_state, soil_columns
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.checks import SPLIT_FIELDS, at
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.surface_split import same_layers, split_flux, with_snowfall
from kiloland.verify.temperature import Mask, OracleStep, advance, column_mean, restart_ground, state_during

NEEDED = (*SPLIT_FIELDS, "TSOI_10CM", "SNOTTOPL", "HC", "QDRAI_PERCH")
DISTURBED = (
    "columns with ice, dew, frost, perched drainage or a full upper layer: "
    "their soil water before drainage is on no file"
)
UPPER_LAYERS = 4
"""Layers in which a full one tells that excess water was moved."""


def diagnostics(bench: Bench) -> Iterator[Finding]:
    """Every diagnostic on the tapes of every step."""
    for step in bench.steps:
        missing = [name for name in NEEDED if name not in step.tape]
        if missing:
            yield Skipped(f"not on the tape: {', '.join(missing)}", 1)
            continue
        soil = bench.soil(soil_columns(step.before))
        disturbed = int((~undisturbed(step, soil)).sum())
        if disturbed:
            yield Skipped(DISTURBED, disturbed, "SOILPSI")
        found = (*snow_differences(step), *soil_differences(step, soil), *heat_differences(step, soil))
        yield from at(step.before.path.name, (item for item in found if item.compared))


def snow_differences(step: OracleStep) -> Iterator[Difference]:
    """Snow at the end of the step."""
    group = soil_columns(step.before)
    column = load_state(step.after, group).column
    index, rows = column.snow_index, slice(0, SNOW_LAYERS)
    liquid, ice = column.liquid_water[rows], column.ice[rows]
    layers = {
        "SNO_T": column.temperature[rows],
        "SNO_Z": column.snow_thickness,
        "SNO_GS": column.grain_radius,
        "SNO_LIQH2O": liquid,
        "SNO_ICE": ice,
    }
    for name, values in layers.items():
        yield _difference(step, name, snow_rows(values, index))
    yield _difference(step, "SNOWICE", snow_sum(ice, index))
    yield _difference(step, "SNOWLIQ", snow_sum(liquid, index))
    top = snow_top(
        column.temperature,
        liquid,
        ice,
        column.grain_radius,
        column.snow_thickness,
        column.snow_fraction,
        index,
    )
    tops = {
        "SNOTTOPL": top.temperature,
        "SNOdTdzL": top.gradient,
        "SNORDSL": top.grain_radius,
        "SNOLIQFL": top.liquid_fraction,
        "H2OSNO_TOP": top.water,
    }
    for name, values in tops.items():
        yield _difference(step, name, values)


def soil_differences(step: OracleStep, soil: SoilProperties) -> Iterator[Difference]:
    """Soil before the dew and the drainage of the step, where neither was."""
    group = soil_columns(step.before)
    column = load_state(step.after, group).column
    rows = slice(SNOW_LAYERS, None)
    liquid, ice = column.liquid_water[rows], column.ice[rows]
    still = undisturbed(step, soil)
    yield _difference(step, "TSOI_10CM", topsoil_temperature(column.temperature[rows]))
    yield _difference(step, "SOILWATER_10CM", topsoil_water(liquid, ice), still)
    yield _difference(step, "WF", fire_wetness(soil, water_volume(column.liquid_water, column.ice)), still)
    bottom = ground_grid().interface[1:, None]
    bedrock = np.arange(len(bottom))[:, None] >= SOIL_LAYERS
    dry = bedrock | (bottom < np.asarray(column.water_table))
    yield _difference(step, "SOILPSI", soil_potential(soil, liquid), still & dry)


def undisturbed(step: OracleStep, soil: SoilProperties) -> Mask:
    """Columns without ice whose upper soil neither perched drainage nor the air changed at the end."""
    group = soil_columns(step.before)
    names = ("QFLX_DEW_GRND", "QFLX_DEW_SNOW", "QFLX_SUB_SNOW")
    exchange = sum(np.abs(step.patches(name, group)) for name in names)
    calm = np.asarray(column_mean(np.asarray(exchange), group)) == 0.0
    column = load_state(step.after, group).column
    calm |= np.asarray(column.snow_index) < 0
    thawed = np.asarray(column.ice[SNOW_LAYERS:]).max(axis=0) == 0.0
    volume = np.asarray(water_volume(column.liquid_water, column.ice))[:UPPER_LAYERS]
    full = volume >= np.asarray(soil.porosity)[:UPPER_LAYERS] * (1.0 - 1e-9)
    still: Mask = (step.columns("QDRAI_PERCH", group) == 0.0) & calm & thawed & ~full.any(axis=0)
    return still


def heat_differences(step: OracleStep, soil: SoilProperties) -> Iterator[Difference]:
    """Heat content, density and conductivity of snow as the heat of the step meets them."""
    group = soil_columns(step.before)
    before, after = restart_ground(step.before, group), restart_ground(step.after, group)
    during = with_snowfall(state_during(before, after), step, group)
    warmed = advance(soil, during, split_flux(step, group, soil, during), step.timestep).state
    grid = column_grid(
        during.snow_index, during.snow_thickness, during.snow_node_depth, during.snow_interface_depth
    )
    thermal = thermal_properties(grid, soil, during)
    kept = same_layers(warmed, before, after)
    ground = slice(SNOW_LAYERS, None)
    everything = heat_content(thermal.heat_capacity, warmed.temperature, grid.active)
    yield _difference(step, "HC", everything, kept)
    below = heat_content(thermal.heat_capacity[ground], warmed.temperature[ground], grid.active[ground])
    yield _difference(step, "HCSOI", below, kept)
    water = during.liquid_water[:SNOW_LAYERS] + during.ice[:SNOW_LAYERS]
    fraction, index = during.effective_snow_fraction, during.snow_index
    density = snow_bulk_density(water, during.snow_thickness, fraction, index)
    yield _difference(step, "SNO_BW", density, kept)
    yield _difference(step, "SNO_TK", snow_rows(thermal.conductivity[:SNOW_LAYERS], index), kept)


def _difference(step: OracleStep, name: str, ours: jax.Array, used: Mask | None = None) -> Difference:
    """One field; fill must be fill, and counts as equal there."""
    group = soil_columns(step.before)
    reference = step.columns(name, group)[: ours.shape[0]] if ours.ndim == 2 else step.columns(name, group)
    mask = None if used is None else np.broadcast_to(used, reference.shape)
    return difference(name, np.asarray(ours), reference, mask)
