"""The table of processes: what is compared, what it needs, and how close it must be.

A process that joins later is one more entry: a name, a sentence, a bar and a check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from kiloland.verify.balances import balances
from kiloland.verify.diagnostics import diagnostics
from kiloland.verify.full_evidence import full_days, full_step, full_steps_carried_on
from kiloland.verify.full_melt import GROWN, PERIOD, snowmelt
from kiloland.verify.full_year import PATCHES, full_year
from kiloland.verify.gradients import gradients
from kiloland.verify.ice_step import ice_and_wetland_carried, ice_and_wetland_step
from kiloland.verify.lake_step import (
    lake_days_evidence,
    lake_fluxes_evidence,
    lake_step_evidence,
    lake_temperature_evidence,
)
from kiloland.verify.land_streams import land_streams
from kiloland.verify.oracle import checks
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.canopy import (
    bare_patches,
    canopy_exchange,
    canopy_water,
    ground_cover,
    leaf_photosynthesis,
    water_stress,
)
from kiloland.verify.oracle.forcing import forcing
from kiloland.verify.oracle.rows import Bar, Finding, Measure
from kiloland.verify.running_means import running_means, thaw
from kiloland.verify.snow_albedo import snow_albedo
from kiloland.verify.snow_pack import cold_snow, snow_on_soil
from kiloland.verify.urban_radiation import albedo_of_towns
from kiloland.verify.urban_step import consecutive_steps, fluxes_of_towns, states_of_towns

Check = Callable[[Bench], Iterator[Finding]]


@dataclass(frozen=True)
class Process:
    """One kind of comparison; ``bars`` overrides the bar of single variables."""

    name: str
    compares: str
    needs: str
    bar: Bar
    check: Check
    bars: Mapping[str, Bar] = field(default_factory=dict)
    uses_restarts: bool = True

    def bar_of(self, variable: str) -> Bar:
        """The bar of a variable."""
        return self.bars.get(variable, self.bar)


def _relative(value: float) -> Bar:
    return Bar(value, Measure.RELATIVE)


def _absolute(value: float) -> Bar:
    return Bar(value, Measure.ABSOLUTE)


LAKE_BARS = {name: _relative(1e-8) for name in ("FSH_G", "EFLX_GNET", "SAVEDTKE1", "QRGWL", "heat budget")}
"""Heat takes up what rounding leaves of the balance, runoff that of the water of a column."""

FLUX_OF_HEAT = (
    "FSH",
    "FSH_G",
    "FSH_V",
    "EFLX_LH_TOT",
    "FGEV",
    "FCEV",
    "FCTR",
    "FIRE",
    "FIRA",
    "FGR",
    "FSA",
    "FSR",
)
BUDGET_BARS = {
    "heat budget": _absolute(1e-7),
    "radiation budget": _absolute(1e-7),
    "surface budget": _absolute(1e-7),
    "water budget": _absolute(1e-9),
    "snow budget": _absolute(1e-9),
}
DAYS_BARS = {**BUDGET_BARS, **{name: _absolute(0.1) for name in FLUX_OF_HEAT}}
"""W m-2 for fluxes and the budgets of heat and radiation, kg m-2 for those of water and snow."""
MELT_BARS = {
    f"{label}TSOI, days {day}-{day + PERIOD - 1}": _absolute(0.05)
    for label in ("", GROWN)
    for day in range(0, 100, PERIOD)
}
"""K; the others are mm of snow, m of its depth and leaf area."""
YEAR_BARS = {
    **BUDGET_BARS,
    **{name: _absolute(1.0) for name in FLUX_OF_HEAT},
    **{f"{name} of patches": _absolute(1.0) for name in PATCHES},
}

PROCESSES: tuple[Process, ...] = (
    Process(
        "restart rewrite",
        "each restart loaded into the state and expanded again, every variable bit for bit",
        "restarts",
        _absolute(0.0),
        checks.rewrite,
    ),
    Process(
        "zenith",
        "cosine of the zenith angle of every active column, from orbit and date",
        "restarts, namelists",
        _relative(1e-12),
        checks.zenith,
    ),
    Process(
        "albedo",
        "albedos, absorbed and transmitted fractions and leaf scaling, from the state in the same restart",
        "restarts, surface file, plant parameters",
        _relative(1e-12),
        checks.albedo,
    ),
    Process(
        "forcing",
        "atmospheric forcing of every step of a tape, from the site file",
        "double per-step tapes, site forcing",
        _relative(1e-12),
        forcing,
        uses_restarts=False,
    ),
    Process(
        "shortwave",
        "sunlight absorbed and reflected in step n, from the albedos of restart n and the light on the tape",
        "restarts, double per-step tapes of patches",
        _absolute(1e-10),
        checks.shortwave,
    ),
    Process(
        "temperature one step",
        "ground temperature of restart n+1 from restart n, forced by the tape's EFLX_GNET and DGNETDT, "
        "without snow and pond",
        "restarts one step apart, double per-step tapes with EFLX_GNET and DGNETDT, surface file",
        _absolute(1e-10),
        checks.temperature_one_step,
    ),
    Process(
        "temperature consecutive",
        "the same over consecutive steps, temperature carried on, water and ice from the restarts",
        "as temperature one step",
        _absolute(1e-8),
        checks.temperature_consecutive,
    ),
    Process(
        "temperature total flux",
        "ground temperature of restart n+1, forced by the total flux EFLX_SOIL_GRND; unfrozen surface, "
        "no snow, no pond",
        "as temperature one step, but EFLX_SOIL_GRND on the tape",
        _absolute(1e-9),
        checks.temperature_total_flux,
    ),
    Process(
        "temperature split",
        "temperature of restart n+1 in all columns, fluxes into snow, soil and pond rebuilt from the tape",
        "as temperature one step, and CGRNDS, CGRNDL, QFLX_SNOW_GRND and the weather on the tape",
        _absolute(1e-9),
        checks.temperature_split,
    ),
    Process(
        "bare ground",
        "surface of snow-free columns and the fluxes of their patches without plants",
        "as temperature one step, and the weather on the tape",
        _relative(1e-11),
        checks.bare_ground,
    ),
    Process(
        "soil water",
        "runoff, infiltration, soil water, water tables and drainage of a step, with the tape's fluxes",
        "as temperature split, and QTOPSOIL, evaporation, dew, QINFL, QVEGT and ROOTR_COLUMN on the tape",
        _relative(1e-11),
        checks.soil_water,
    ),
    Process(
        "snow albedo",
        "albedo of snow and absorption in its layers, columns of every kind, from the snow of a restart",
        "restarts, snow optics",
        _relative(1e-11),
        snow_albedo,
    ),
    Process(
        "snow on soil",
        "water, layers, compaction, particles and grains of snow on soil after a step, heat and phases ours",
        "as temperature split, and exchange of water with the air on the tape; ageing and deposition files",
        _relative(1e-11),
        snow_on_soil,
    ),
    Process(
        "dry snow",
        "the same on columns of every kind while snow stays dry, with the temperatures of the next restart",
        "restarts one step apart, double per-step tapes, ageing and deposition files",
        _relative(1e-11),
        cold_snow,
    ),
    Process(
        "canopy water",
        "interception, wetness and precipitation onto the ground in step n, from restart n and the forcing",
        "restarts one step apart, double per-step tapes, site forcing, parameters, surface file",
        _relative(1e-11),
        canopy_water,
    ),
    Process(
        "ground cover",
        "shares of ground under snow and water in restart n+1, from restart n and the forcing",
        "as canopy water",
        _relative(1e-11),
        ground_cover,
    ),
    Process(
        "water stress",
        "root shares, water stress and uptake of exposed patches, from restart n and the forcing",
        "as canopy water",
        _relative(1e-11),
        water_stress,
    ),
    Process(
        "photosynthesis",
        "photosynthesis and stomatal resistance of exposed patches, leaf temperature our own",
        "as canopy water",
        _relative(1e-8),
        leaf_photosynthesis,
    ),
    Process(
        "canopy fluxes",
        "leaf temperature, canopy water, fluxes of canopy and ground of exposed patches, nothing from tapes",
        "as canopy water",
        _relative(1e-8),
        canopy_exchange,
    ),
    Process(
        "bare patches",
        "fluxes of patches without exposed vegetation, under snow too, nothing from tapes",
        "as canopy water",
        _relative(1e-11),
        bare_patches,
    ),
    Process(
        "running means",
        "means over hours, days and weeks and the extremes of a day after a step, members of every kind",
        "restarts one step apart, site forcing; BTRAN on a double per-step tape for that of water stress",
        _relative(1e-12),
        running_means,
    ),
    Process(
        "active layer",
        "depth of thaw at the start of a step and its record of this year and the last, soil columns",
        "restarts one step apart, double per-step tapes",
        _absolute(0.0),
        thaw,
    ),
    Process(
        "streams",
        "deposition of nitrogen, phosphorus and particles, people and lightning at the end of every step",
        "double per-step tapes, stream files",
        _absolute(0.0),
        land_streams,
        bars={
            "PDEP_TO_SMINP": _absolute(1e-24),
            "BCDEP": _absolute(1e-26),
            "OCDEP": _absolute(1e-26),
            "DSTDEP": _absolute(1e-26),
        },
        uses_restarts=False,
    ),
    Process(
        "lake fluxes",
        "surface temperature, radiation and fluxes of lakes in step n, from restart n and the forcing",
        "restarts one step apart, site forcing, surface file, snow tables; fluxes on double per-step tapes",
        _relative(1e-11),
        lake_fluxes_evidence,
        bars=LAKE_BARS,
    ),
    Process(
        "lake temperature",
        "temperature and ice of the layers of lakes in restart n+1, from restart n and the forcing",
        "as lake fluxes",
        _relative(1e-11),
        lake_temperature_evidence,
        bars=LAKE_BARS,
    ),
    Process(
        "lake step",
        "all biophysical variables of lake columns in restart n+1, snow and albedo too, and the budgets",
        "as lake fluxes",
        _relative(1e-11),
        lake_step_evidence,
        bars=LAKE_BARS,
    ),
    Process(
        "lakes carried on",
        "the same variables after up to 48 steps, the whole state our own from the first restart on",
        "restarts, site forcing, surface file, snow tables",
        _relative(1e-11),
        lake_days_evidence,
        bars=LAKE_BARS,
    ),
    Process(
        "balances",
        "errors of water, snow, surface energy, sunlight and ground heat from the tape's fluxes against "
        "ELM's own, columns and patches of every kind",
        "restarts one step apart, double per-step tapes, site forcing; snow and ground heat as snow on soil",
        _absolute(1e-9),
        balances,
    ),
    Process(
        "urban albedo",
        "light absorbed and reflected by roofs, walls and roads, from zenith and snow in the same restart",
        "restarts with towns, surface file",
        _relative(1e-12),
        albedo_of_towns,
    ),
    Process(
        "urban fluxes",
        "radiation, heat and water fluxes of towns in step n, from restart n and the site forcing",
        "restarts with towns, double per-step tapes, site forcing, surface file, snow files",
        _relative(1e-11),
        fluxes_of_towns,
    ),
    Process(
        "urban step",
        "every variable of towns in restart n+1 from restart n, all processes together",
        "as urban fluxes, and restarts one step apart",
        _relative(1e-11),
        states_of_towns,
    ),
    Process(
        "urban days",
        "fluxes and states of towns over all steps of a tape, the state carried on",
        "as urban fluxes",
        _relative(1e-6),
        consecutive_steps,
    ),
    Process(
        "ice and wetland step",
        "every variable of glacier and wetland columns after a step, and their fluxes, nothing from tapes",
        "restarts one step apart, double per-step tapes, site forcing, surface file, snow files",
        _relative(1e-11),
        ice_and_wetland_step,
        # Runoff is a difference of all water of the column, whose rounding alone is 4e-15 kg m-2 s-1.
        bars={"QRGWL": _absolute(1e-13), "heat budget": _absolute(1e-7)},
    ),
    Process(
        "ice and wetland carried on",
        "the same columns from the first restart of a run on, up to two years, against each later restart",
        "restarts, site forcing, surface file, snow files",
        _relative(1e-6),
        ice_and_wetland_carried,
    ),
    Process(
        "diagnostics",
        "temperature, water and potential of the upper soil, heat content, snow layer by layer",
        "as temperature split, and the fields themselves on the tape",
        _relative(1e-12),
        diagnostics,
    ),
    Process(
        "full step",
        "all of water, energy and radiation of soil columns in one step: every variable of the state in "
        "restart n+1 and the fluxes of the step, nothing from tapes",
        "restarts one step apart, double per-step tapes, site forcing, surface file, parameters, snow files",
        _relative(1e-11),
        full_step,
        bars=BUDGET_BARS,
    ),
    Process(
        "full step consecutive",
        "the same over consecutive steps, the whole state our own after the first restart",
        "as full step",
        _relative(1e-6),
        full_steps_carried_on,
        bars=DAYS_BARS,
    ),
    Process(
        "full days",
        "the same over all steps of a tape, with leaf and stem area and canopy height of the tape",
        "as full step, but a restart at the start of a tape with ELAI, ESAI and HTOP is enough",
        _relative(1e-6),
        full_days,
        bars=DAYS_BARS,
    ),
    Process(
        "full year",
        "a year of soil columns with the leaf area of a daily tape: monthly means, the year, its end",
        "a year of daily leaf area in double precision, monthly means of cells, restarts at both ends",
        _relative(1e-2),
        full_year,
        bars=YEAR_BARS,
    ),
    Process(
        "snowmelt",
        "snow, soil temperature and exposed plants over weeks of steps, plants as they stood at the start",
        "a tape of cells with every step of a month or more, of cells that are one soil column",
        _absolute(1.0),
        snowmelt,
        bars={**BUDGET_BARS, **MELT_BARS},
    ),
    Process(
        "gradients",
        "mean latent heat and GPP of a day by plant and soil parameters and by the initial soil water: "
        "reverse mode against central differences",
        "a day of restarts one step apart, double per-step tapes, and all that full step needs",
        _relative(1e-5),
        gradients,
    ),
)
"""In the order of the table."""
