"""Evidence for snow layers: from ELM's restart to its next one.

On soil, temperature and phase change of the step are ours (proven by themselves, `surface_split`); exchange
of water with the air and snowfall come from the tape. On other columns the temperatures are those of the
next restart, and steps with liquid water in the snow are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.land.biophysics.ground_heat import GroundHeat
from kiloland.land.biophysics.ground_state import GroundState
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_compaction import MeltHistory
from kiloland.land.biophysics.snow_layers import add_snowfall
from kiloland.land.biophysics.snow_pack import SnowLayers
from kiloland.land.biophysics.snow_step import SnowConditions, SnowStep, advance_snow
from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.subgrid import ColumnGroup, ColumnType
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.restart import soil_columns
from kiloland.run.snow_tables import find_snow_files, read_constant_deposition, read_grain_tables
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.snow_columns import AEROSOLS, SnowColumns, Values, snow_columns
from kiloland.verify.surface_split import split_flux, with_snowfall
from kiloland.verify.temperature import OracleStep, advance, column_mean, restart_ground, state_during

MELTING = 1
CAPPED_WATER = 1000.0
WATER_FIELDS = ("QFLX_SUB_SNOW", "QFLX_EVAP_GRND", "QFLX_DEW_SNOW", "QFLX_DEW_GRND")
SPLIT_FIELDS = (
    "EFLX_GNET",
    "DGNETDT",
    "CGRNDS",
    "CGRNDL",
    "QFLX_SNOW_GRND",
    "QFLX_RAIN_GRND",
    "TBOT",
    "QBOT",
)
SURE_SNOWFALL = 1.0e-9
"""kg m-2; where the tape has no snowfall, a pack that gained more without frost was snowed on."""
NOT_COLD = (
    "column steps without snow layers, with liquid water in snow, a pond or a change of the number of layers"
)
SNOWED_ON = "column steps with snowfall, which the tape does not tell"


@dataclass(frozen=True)
class SnowTruth:
    """What both comparisons need of a run."""

    tables: GrainTables
    deposition: Values
    """``[species, cell]``, kg m-2 s-1."""


def snow_truth(bench: Bench) -> SnowTruth:
    """Tables and deposition of a run."""
    files = find_snow_files(bench.run.namelist, bench.folders)
    values = bench.restarts[0].restart.values
    cells = values["grid1d_lon"], values["grid1d_lat"]
    if files.deposition is None:
        return SnowTruth(read_grain_tables(files.ageing), np.zeros((len(AEROSOLS), len(cells[0]))))
    return SnowTruth(read_grain_tables(files.ageing), read_constant_deposition(files.deposition, *cells))


def snow_on_soil(bench: Bench) -> Iterator[Finding]:
    """Soil columns: water, layers, compaction, particles and grains of the next restart."""
    missing = [name for name in (*SPLIT_FIELDS, *WATER_FIELDS) if name not in bench.tapes[0].dataset]
    if missing:
        yield Skipped(f"not on the tape: {', '.join(missing)}")
        return
    truth = snow_truth(bench)
    for step in bench.steps:
        group = soil_columns(step.before)
        before, after = restart_ground(step.before, group), restart_ground(step.after, group)
        soil = bench.soil(group)
        during = with_snowfall(state_during(before, after), step, group)
        heat = advance(soil, during, split_flux(step, group, soil, during), step.timestep)
        deviation = bench.surface.elevation_deviation[group.gridcell]
        conditions = _soil_conditions(step, group, before, after, heat, deviation, truth)
        columns = SnowColumns(step.before, group.column_row)
        state = heat.state
        layers = _layers(columns, state.ice, state.liquid_water, state.temperature, state.snow_thickness)
        result: SnowStep = _advance(
            truth.tables,
            dataclasses.replace(layers, snow_index=state.snow_index),
            state.snow_water,
            state.snow_depth,
            conditions,
            step.timestep,
        )
        ours = _compared(result) | {
            "qflx_snow_melt": jnp.where(state.snow_index < 0, result.outflow, heat.phase.layerless_melt)
        }
        yield from _differences(step, dataclasses.replace(columns, restart=step.after), ours)


def _soil_conditions(
    step: OracleStep,
    group: ColumnGroup,
    before: GroundState,
    after: GroundState,
    heat: GroundHeat,
    deviation: NDArray[np.float64],
    truth: SnowTruth,
) -> SnowConditions:
    """What a step does to the snow of soil columns, from its tape and our phase change."""
    exists = snow_layer_mask(before.snow_index)
    ice, liquid = before.ice[:SNOW_LAYERS], before.liquid_water[:SNOW_LAYERS]
    water = jnp.where(exists, ice + liquid, 1.0)
    none = jnp.zeros(group.columns, bool)
    surface = _surface(lambda name: column_mean(step.patches(name, group), group))
    gained = (surface.rain + surface.frost + surface.dew) * after.effective_snow_fraction * step.timestep
    layered = before.snow_index < 0
    return SnowConditions(
        surface=surface,
        history=MeltHistory(
            melting=heat.phase.phase[:SNOW_LAYERS] == MELTING,
            water_before=jnp.where(exists, water, 0.0),
            ice_share_before=jnp.where(exists, ice / water, 0.0),
            accumulated_snow=after.accumulated_snow - jnp.where(layered, gained, 0.0),
            melt_shape=jnp.asarray(200.0 / np.maximum(10.0, deviation)),
        ),
        snow_fraction=after.effective_snow_fraction,
        capped=none,
        capped_ice=jnp.zeros(group.columns),
        snowfall=column_mean(step.patches("QFLX_SNOW_GRND", group), group),
        refrozen=heat.phase.snow_freezing_layer,
        deposition=jnp.asarray(truth.deposition[:, group.gridcell]),
        ground_temperature=after.temperature[SNOW_LAYERS],
        subgrid_snow=~none,
        lake=none,
    )


def cold_snow(bench: Bench) -> Iterator[Finding]:
    """Columns of every kind in steps in which their snow stays dry, with the temperatures of the restart."""
    missing = [name for name in WATER_FIELDS if name not in bench.tapes[0].dataset]
    if missing:
        yield Skipped(f"not on the tape: {', '.join(missing)}")
        return
    truth = snow_truth(bench)
    for step in bench.steps:
        columns = snow_columns(step.before)
        after = dataclasses.replace(columns, restart=step.after)
        dry = _dry(columns, after)
        if not dry.all():
            yield Skipped(NOT_COLD, int((~dry).sum()))
        columns, after = (dataclasses.replace(side, rows=side.rows[dry]) for side in (columns, after))
        told, snowed = _snowfall(step, columns, after)
        if snowed.any():
            yield Skipped(SNOWED_ON, int(snowed.sum()))
            columns, after = (dataclasses.replace(side, rows=side.rows[~snowed]) for side in (columns, after))
            told = told[~snowed]
        if len(columns.rows):
            result = _cold_step(step, columns, after, told, truth)
            yield from _differences(step, after, _compared(result))


def _dry(before: SnowColumns, after: SnowColumns) -> NDArray[np.bool_]:
    """Columns whose snow keeps its layers and has no liquid at either end of a step, and no pond beside."""
    found = (before.snow_index < 0) & (before.snow_index == after.snow_index)
    for side in (before, after):
        found &= jnp.all(side.get("H2OSOI_LIQ")[:SNOW_LAYERS] == 0.0, axis=0)
        found &= side.get("FH2OSFC") == 0.0
    return np.asarray(found)


def _snowfall(step: OracleStep, columns: SnowColumns, after: SnowColumns) -> tuple[Values, NDArray[np.bool_]]:
    """Snowfall on the ground (kg m-2 s-1), and columns where it is not known and not 0."""
    on_soil = columns.types == ColumnType.SOIL
    if "SNOW" in step.tape and "QFLX_SNOW_GRND" in step.tape:
        cell = columns.restart.values["cols1d_gridcell_index"][columns.rows].astype(np.int64) - 1
        fall = np.asarray(step.tape["SNOW"].read(step.record), np.float64)[cell]
        through = _column_means(step, columns, "QFLX_SNOW_GRND")
        return np.where(on_soil, through, fall), np.zeros(len(cell), bool)
    surface = _surface(lambda name: jnp.asarray(_column_means(step, columns, name)))
    fraction = after.get("frac_sno_eff")
    frost = (surface.frost - surface.sublimation - surface.evaporation) * fraction * step.timestep
    gain = np.asarray(after.get("H2OSNO") - columns.get("H2OSNO") - frost)
    return np.zeros(len(gain)), np.abs(gain) > SURE_SNOWFALL


def _cold_step(
    step: OracleStep, columns: SnowColumns, after: SnowColumns, snowfall: Values, truth: SnowTruth
) -> SnowStep:
    """A step of dry snow."""
    count, lake = len(columns.rows), jnp.asarray(columns.types == ColumnType.LAKE)
    cell = columns.restart.values["cols1d_gridcell_index"][columns.rows].astype(np.int64) - 1
    fraction, water = after.get("frac_sno_eff"), columns.get("H2OSNO")
    capped = water > CAPPED_WATER
    layers = _layers(
        columns,
        columns.get("H2OSOI_ICE"),
        columns.get("H2OSOI_LIQ"),
        after.get("T_SOISNO"),
        columns.get("DZSNO"),
    )
    falling = jnp.where(capped, 0.0, jnp.asarray(snowfall))
    if "TBOT" in step.tape:
        air = jnp.asarray(np.asarray(step.tape["TBOT"].read(step.record), np.float64)[cell])
        layers = add_snowfall(
            layers, falling * step.timestep, water, columns.get("SNOW_DEPTH"), fraction, air, lake
        )
    surface = _surface(lambda name: jnp.asarray(_column_means(step, columns, name)))
    nothing = jnp.zeros((SNOW_LAYERS, count))
    conditions = SnowConditions(
        surface=surface,
        history=MeltHistory(
            melting=nothing > 0.0,
            water_before=nothing,
            ice_share_before=nothing,
            accumulated_snow=after.get("INT_SNOW"),
            melt_shape=jnp.ones(count),
        ),
        snow_fraction=fraction,
        capped=capped,
        capped_ice=jnp.where(capped, jnp.asarray(snowfall) + surface.frost * fraction, 0.0),
        snowfall=falling,
        refrozen=nothing,
        deposition=jnp.asarray(truth.deposition[:, cell]),
        ground_temperature=after.get("T_SOISNO")[SNOW_LAYERS],
        subgrid_snow=jnp.asarray(columns.types == ColumnType.SOIL),
        lake=lake,
    )
    result: SnowStep = _advance(
        truth.tables, layers, water, columns.get("SNOW_DEPTH"), conditions, step.timestep
    )
    return result


def _column_means(step: OracleStep, columns: SnowColumns, name: str) -> Values:
    """Weighted means over the patches of columns of any kind; 0 where the tape lacks the field."""
    if name not in step.tape:
        return np.zeros(len(columns.rows))
    values = columns.restart.values
    place = np.full(values["cols1d_ityp"].shape[0], -1)
    place[columns.rows] = np.arange(len(columns.rows))
    owner = place[values["pfts1d_column_index"].astype(np.int64) - 1]
    chosen = np.flatnonzero((owner >= 0) & (values["pfts1d_active"] == 1) & (values["pfts1d_wtcol"] > 0.0))
    patches = np.asarray(step.tape[name].read(step.record), np.float64)[chosen]
    mean = np.zeros(len(columns.rows))
    np.add.at(mean, owner[chosen], values["pfts1d_wtcol"][chosen] * patches)
    return mean


def _surface(mean_of: Callable[[str], jax.Array]) -> SnowSurfaceWater:
    return SnowSurfaceWater(
        sublimation=mean_of("QFLX_SUB_SNOW"),
        evaporation=mean_of("QFLX_EVAP_GRND"),
        frost=mean_of("QFLX_DEW_SNOW"),
        dew=mean_of("QFLX_DEW_GRND"),
        rain=mean_of("QFLX_RAIN_GRND"),
    )


def _layers(
    columns: SnowColumns, ice: jax.Array, liquid: jax.Array, temperature: jax.Array, thickness: jax.Array
) -> SnowLayers:
    pack = columns.pack
    return SnowLayers(
        snow_index=pack.snow_index,
        thickness=thickness,
        temperature=temperature[:SNOW_LAYERS],
        liquid_water=liquid[:SNOW_LAYERS],
        ice=ice[:SNOW_LAYERS],
        grain_radius=pack.grain_radius,
        aerosol_mass=pack.aerosol_mass,
    )


def _compared(result: SnowStep) -> dict[str, jax.Array]:
    """Our values by the names of the restart."""
    layers = result.layers
    return {
        "SNLSNO": layers.snow_index,
        "DZSNO": layers.thickness,
        "ZSNO": result.geometry.node,
        "ZISNO": result.geometry.upper_interface,
        "T_SOISNO": layers.temperature,
        "H2OSOI_LIQ": layers.liquid_water,
        "H2OSOI_ICE": layers.ice,
        "H2OSNO": result.snow_water,
        "SNOW_DEPTH": result.snow_depth,
        "snw_rds": layers.grain_radius,
        **dict(zip(AEROSOLS, layers.aerosol_mass, strict=True)),
    }


def _differences(step: OracleStep, after: SnowColumns, ours: dict[str, jax.Array]) -> Iterator[Difference]:
    """Against the restart after a step: layers that exist there, depth where there are layers."""
    exists: NDArray[np.bool_] = np.asarray(snow_layer_mask(after.snow_index))
    for name, values in ours.items():
        reference = np.asarray(after.get(name))
        if reference.ndim == 2:
            reference = reference[:SNOW_LAYERS]
            mask = exists
        else:
            anywhere = np.ones(reference.shape, bool)
            mask = np.asarray(exists.any(axis=0)) if name == "SNOW_DEPTH" else anywhere
        found = difference(name, np.asarray(values, np.float64), reference, mask)
        if found.compared:
            yield dataclasses.replace(found, place=f"{step.before.path.name} {found.place}")


_advance = jax.jit(advance_snow, static_argnames="timestep")
