"""Evidence for the budgets: their errors from the fluxes on ELM's tapes against ELM's own errors.

Columns and patches of every kind. Water and snow are those of the restarts around a step. The heat of the
ground needs what no tape has, so warming and phase change are ours, of soil columns whose snow layers stay
the same (`temperature split`).
"""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.atmosphere.site import SiteRecord, read_site_record
from kiloland.errors import InputError
from kiloland.land.balances import (
    Balance,
    ColumnWater,
    GroundHeatTerms,
    SnowFluxes,
    SurfaceEnergy,
    WaterFluxes,
    ground_heat_balance,
    shortwave_balance,
    snow_balance,
    surface_energy_balance,
    water_balance,
)
from kiloland.land.subgrid import ColumnType
from kiloland.land.vertical import SNOW_LAYERS
from kiloland.run.restart import Restart, soil_columns
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.checks import SPLIT_FIELDS, at
from kiloland.verify.oracle.rows import Finding, Skipped
from kiloland.verify.radiation import FILL, Difference, difference
from kiloland.verify.running_means import step_weather, used_members
from kiloland.verify.surface_split import same_layers, split_flux, with_snowfall
from kiloland.verify.temperature import (
    Mask,
    OracleStep,
    Values,
    advance,
    column_mean,
    restart_ground,
    state_during,
)

GLACIER, FIRST_TOWN = 3, 7
"""Kinds of landunits."""
WALLS = (ColumnType.SUNLIT_WALL, ColumnType.SHADED_WALL)
SNOW_FIELDS = ("QFLX_RAIN_GRND", "SNOW_SOURCES", "ERRH2OSNO")
GLACIER_LIGHT = "glacier patches under snow: the tape's absorbed light is not what their ground absorbs"
POND_FROZE = "columns with a pond below snow: what froze or fell onto it is on no tape"


def balances(bench: Bench) -> Iterator[Finding]:
    """The errors of water, snow, surface energy, sunlight and ground heat of every step."""
    record = read_site_record(bench.site_forcing)
    for step in bench.steps:
        members = Members(step)
        where = step.before.path.name
        yield from at(where, [water_difference(members, record)])
        found = surface_differences(members)
        yield from at(where, found)
        if members.snowy_glacier.any():
            yield Skipped(GLACIER_LIGHT, int(members.snowy_glacier.sum()), "ERRSEB")
        if all(name in step.tape for name in SNOW_FIELDS):
            yield from _snow(members, where)
        if all(name in step.tape for name in (*SPLIT_FIELDS, "ERRSOI")):
            yield from at(where, [ground_difference(step, bench)])


class Members:
    """Columns and patches of every kind of a step, in the order of the files."""

    def __init__(self, step: OracleStep) -> None:
        values = step.before.values
        self.step = step
        self.before, self.after = step.before.values, step.after.values
        self.patches, self.columns = (used_members(step.before, prefix) for prefix in ("pfts1d", "cols1d"))
        self.column_of = np.asarray(values["pfts1d_column_index"], np.int64) - 1
        self.kind = np.asarray(values["pfts1d_ityplun"])
        self.column_type = np.asarray(values["cols1d_ityp"])
        self.town = self.kind >= FIRST_TOWN
        snowy = np.asarray(self.after["SNLSNO"])[self.column_of] < 0
        self.snowy_glacier: Mask = self.patches & (self.kind == GLACIER) & snowy

    def tape(self, *names: str) -> Values:
        """The first of some tape fields that there is, fill as 0."""
        for name in names:
            if name in self.step.tape:
                values = np.asarray(self.step.tape[name].read(self.step.record), np.float64)
                return np.where(np.abs(values) < FILL, values, 0.0)
        raise InputError("not on the tape", file=self.step.tape.path, variable=names[0])

    def mean(self, values: Values) -> jax.Array:
        """Weighted mean over the patches of each column."""
        weight = np.where(self.patches, np.asarray(self.before["pfts1d_wtcol"]), 0.0)
        total = np.zeros(len(self.column_type))
        np.add.at(total, self.column_of, weight * np.where(np.abs(values) < FILL, values, 0.0))
        return jnp.asarray(total)

    def water(self, restart: Restart) -> ColumnWater:
        """Water of all columns."""
        soil = self.column_type == ColumnType.SOIL
        aquifer = soil | (self.column_type == ColumnType.PERVIOUS_ROAD)

        def known(name: str) -> Values:
            values = np.asarray(restart.values[name], np.float64)
            return np.where(np.abs(values) < FILL, values, 0.0)

        return ColumnWater(
            ground_liquid=jnp.asarray(known("H2OSOI_LIQ").T[SNOW_LAYERS:]),
            ground_ice=jnp.asarray(known("H2OSOI_ICE").T[SNOW_LAYERS:]),
            snow=jnp.asarray(known("H2OSNO")),
            pond=jnp.asarray(known("H2OSFC")),
            aquifer=jnp.asarray(np.where(aquifer, known("WA"), 0.0)),
            canopy=self.mean(np.asarray(restart.values["H2OCAN"])),
        )


def water_difference(members: Members, record: SiteRecord) -> Difference:
    """`ERRH2O` of every column."""
    rain_and_snow = np.asarray(step_weather(members.step, record, "cols1d")[2])
    dry = np.isin(members.column_type, WALLS)
    shed = members.tape("QSNWCPICE_NODYNLNDUSE", "QSNWCPICE")
    if len(shed) != len(dry):
        if shed.any():
            raise InputError("only a mean on the tape", file=members.step.tape.path, variable="QSNWCPICE")
        shed = np.zeros(len(dry))
    names = ("QOVER", "QH2OSFC", "QDRAI", "QDRAI_PERCH", "QRGWL")
    over, pond, base, perched, excess = (jnp.asarray(members.tape(name)) for name in names)
    fluxes = WaterFluxes(
        rain=jnp.asarray(np.where(dry, 0.0, rain_and_snow)),
        snow=jnp.zeros_like(over),
        evaporation=members.mean(members.tape("QFLX_EVAP_TOT")),
        surface_runoff=over,
        pond_outflow=pond,
        base_drainage=base,
        perched_drainage=perched,
        capped_ice=jnp.asarray(shed),
        excess=excess,
    )
    step = members.step
    found = water_balance(members.water(step.before), members.water(step.after), fluxes, step.timestep)
    return difference("ERRH2O", np.asarray(found.error), members.tape("ERRH2O"), members.columns)


def surface_differences(members: Members) -> Iterator[Difference]:
    """`ERRSEB` of every patch and `ERRSOL` of those outside towns."""
    town = members.town
    waste = np.zeros(len(town))
    if town.any():
        waste = members.tape("WASTEHEAT") + members.tape("HEAT_FROM_AC")
    if "FSH_NODYNLNDUSE" in members.step.tape:
        sensible = members.tape("FSH_NODYNLNDUSE")
    else:
        sensible = members.tape("FSH_V") + members.tape("FSH_G")
    energy = SurfaceEnergy(
        canopy_shortwave=jnp.asarray(members.tape("SABV")),
        ground_shortwave=jnp.asarray(members.tape("SABG")),
        longwave_down=jnp.asarray(-members.tape("FIRA")),
        longwave_up=jnp.zeros(len(town)),
        sensible=jnp.asarray(sensible),
        latent=jnp.asarray(members.tape("EFLX_LH_TOT")),
        into_ground=jnp.asarray(members.tape("EFLX_SOIL_GRND")),
        human=jnp.asarray(np.where(town, waste, 0.0)),
    )
    used = members.patches & ~members.snowy_glacier
    errors = np.asarray(surface_energy_balance(energy).error)
    yield difference("ERRSEB", -errors, members.tape("ERRSEB"), used)
    incident = sum(members.tape(name) for name in ("FSDSVD", "FSDSND", "FSDSVI", "FSDSNI"))
    light = shortwave_balance(
        jnp.asarray(incident), jnp.asarray(members.tape("FSA")), jnp.asarray(members.tape("FSR"))
    )
    yield difference("ERRSOL", np.asarray(light.error), members.tape("ERRSOL"), members.patches & ~town)


def _snow(members: Members, where: str) -> Iterator[Finding]:
    soil = members.columns & (members.column_type == ColumnType.SOIL)
    layered = soil & (np.asarray(members.after["SNLSNO"]) < 0)
    wet = np.asarray(members.after["FH2OSFC"], np.float64) > 0.0
    yield from at(where, [snow_difference(members, soil & ~(layered & wet))])
    if (layered & wet).any():
        yield Skipped(POND_FROZE, int((layered & wet).sum()), "ERRH2OSNO")


def snow_difference(members: Members, used: Mask) -> Difference:
    """`ERRH2OSNO` of soil columns that have no pond and no full snowpack."""
    covered = jnp.asarray(members.after["frac_sno_eff"])

    def mean(*names: str) -> jax.Array:
        total: jax.Array = sum((members.mean(members.tape(name)) for name in names), jnp.zeros(len(covered)))
        return total

    nothing = jnp.zeros(len(covered))
    fluxes = SnowFluxes(
        snowfall=mean("QFLX_SNOW_GRND"),
        rain=covered * mean("QFLX_RAIN_GRND"),
        dew=covered * mean("QFLX_DEW_SNOW", "QFLX_DEW_GRND"),
        frozen_pond=nothing,
        evaporation=covered * mean("QFLX_SUB_SNOW", "QFLX_EVAP_GRND"),
        melt=jnp.asarray(members.after["qflx_snow_melt"]),
        capped=nothing,
        lost_layers=nothing,
    )
    water = (jnp.asarray(values["H2OSNO"]) for values in (members.before, members.after))
    layered = jnp.asarray(np.asarray(members.after["SNLSNO"]) < 0)
    before, after = water
    found = snow_balance(before, after, fluxes, layered, members.step.timestep)
    return difference("ERRH2OSNO", np.asarray(found.error), members.tape("ERRH2OSNO"), used)


def ground_difference(step: OracleStep, bench: Bench) -> Difference:
    """`ERRSOI` of soil columns whose snow layers stayed the same ones."""
    group = soil_columns(step.before)
    before, after = restart_ground(step.before, group), restart_ground(step.after, group)
    during = with_snowfall(state_during(before, after), step, group)
    soil = bench.soil(group)
    heat = advance(soil, during, split_flux(step, group, soil, during), step.timestep)
    found: Balance = ground_heat_balance(
        GroundHeatTerms(
            into_ground=column_mean(step.patches("EFLX_SOIL_GRND", group), group),
            warming=heat.budget.storage,
            phase_change=heat.budget.phase_change,
            pond_phase_change=heat.budget.pond_phase_change,
        )
    )
    kept = same_layers(heat.state, before, after)
    return difference("ERRSOI", -np.asarray(found.error), step.columns("ERRSOI", group), kept)
