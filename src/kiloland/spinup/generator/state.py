"""What the model world carries from day to day, and what it is given: trees of arrays, columns last.

Shapes: ``pool`` 8, ``litter`` 4 (litr1, litr2, litr3, cwd), ``layer`` 10, ``tissue`` 6, ``slot`` 4 plant
types of a cell, ``zone`` 2 stores of water, ``cell`` the columns of a block.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.pytree import pytree_dataclass
from kiloland.spinup.generator.constants import LAYERS, LEAF, LITTERS, POOLS, SLOTS


@pytree_dataclass
class SoilState:
    """Pools of the soil, g m-3. N and P of soil 1 to 4 follow from C by fixed ratios and are not carried."""

    carbon: Float[Array, "pool layer cell"]
    nitrogen: Float[Array, "litter layer cell"]
    phosphorus: Float[Array, "litter layer cell"]
    ammonium: Float[Array, "layer cell"]
    nitrate: Float[Array, "layer cell"]
    solution: Float[Array, "layer cell"]
    labile: Float[Array, "layer cell"]
    secondary: Float[Array, "layer cell"]
    occluded: Float[Array, "layer cell"]
    primary: Float[Array, "layer cell"]
    water: Float[Array, "zone cell"]
    """Liquid water of the first layer of each zone, kg m-2; the zone has it in proportion to thickness."""
    lagged_npp: Float[Array, " cell"]
    """NPP with a memory of ten days, gC m-2 day-1."""


@pytree_dataclass
class PlantState:
    """Pools of the plants, g m-2 of the ground that the plant type covers."""

    tissue: Float[Array, "tissue slot cell"]
    """Carbon of the displayed tissues; N and P follow by the ratios of the plant type."""
    leaf_storage: Float[Array, "slot cell"]
    froot_storage: Float[Array, "slot cell"]
    cpool: Float[Array, "slot cell"]
    xsmrpool: Float[Array, "slot cell"]
    npool: Float[Array, "slot cell"]
    ppool: Float[Array, "slot cell"]
    retransn: Float[Array, "slot cell"]
    retransp: Float[Array, "slot cell"]
    nitrogen_status: Float[Array, "slot cell"]
    """Running mean of the supply of N relative to growth, 0 to 1 (ELM: nlim_m)."""
    phosphorus_status: Float[Array, "slot cell"]
    water_status: Float[Array, "slot cell"]
    leaves_out: Float[Array, "slot cell"]
    """Share of the season's leaves that is out, 0 to 1 (ELM: lgsf)."""
    year_npp: Float[Array, "slot cell"]
    """NPP of last year, gC m-2 yr-1."""
    sum_npp: Float[Array, "slot cell"]
    """NPP of this year so far, gC m-2."""


@pytree_dataclass
class WorldState:
    """Everything that the next day depends on."""

    soil: SoilState
    plants: PlantState


@pytree_dataclass
class Soil:
    """What a column is made of; constant in time."""

    respired: Float[Array, "pool one cell"]
    """Respired fraction of what leaves each pool."""
    surface_profile: Float[Array, "layer cell"]
    """Where litter from above enters, m-1; integrates to 1."""
    root_profile: Float[Array, "layer cell"]
    deposition_n: Float[Array, " cell"]
    """gN m-2 day-1, to ammonium."""
    deposition_p: Float[Array, " cell"]
    """gP m-2 day-1, to primary P."""
    fixation: Float[Array, " cell"]
    """Largest N fixation, gN m-2 day-1."""
    nitrification_loss: Float[Array, " cell"]
    """Share of nitrified N that is lost as gas."""
    mineralisation_loss: Float[Array, " cell"]
    """Share of mineralised N that is lost as gas at once."""
    binding_p: Float[Array, " cell"]
    """Share of mineralised P that is bound in occluded form at once."""
    leaching_p: Float[Array, " cell"]
    """Mobility of solution P relative to nitrate."""
    smax: Float[Array, " cell"]
    ks: Float[Array, " cell"]
    weathering: Float[Array, " cell"]
    """Rates of the mineral P pools, day-1."""
    adsorption: Float[Array, " cell"]
    desorption: Float[Array, " cell"]
    occlusion: Float[Array, " cell"]
    erosion: Float[Array, " cell"]
    """Loss of occluded P, day-1: unknown to ELM's parameter files."""
    wilting: Float[Array, "zone cell"]
    """Volumetric water contents."""
    field_capacity: Float[Array, "zone cell"]
    saturation: Float[Array, "zone cell"]
    potential_offset: Float[Array, "zone cell"]
    """Moisture scalar = offset + slope ln(theta / saturation), within 0 and 1."""
    potential_slope: Float[Array, "zone cell"]
    drainage: Float[Array, " cell"]
    """Share of the water above field capacity that leaves a zone in a day."""
    root_share: Float[Array, "zone cell"]
    """Share of the roots in each zone."""
    fire: Float[Array, " cell"]
    """Largest burned fraction, day-1."""
    depth_scalar: Float[Array, "layer cell"]
    diffusivity: Float[Array, "layer cell"]
    """Vertical mixing at the lower interface of each layer, m2 day-1."""
    initial_p: Float[Array, "four cell"]
    """Labile, secondary, occluded and apatite P of the surface file, gP m-2."""


@pytree_dataclass
class Plants:
    """Traits of the plant types of each cell; constant in time."""

    kind: Float[Array, "slot cell"]
    """ELM's number of the plant type; 0 where the slot is empty."""
    weight: Float[Array, "slot cell"]
    """Share of the column."""
    woody: Float[Array, "slot cell"]
    deciduous: Float[Array, "slot cell"]
    drought: Float[Array, "slot cell"]
    """1 where drought sheds the leaves."""
    sla: Float[Array, "slot cell"]
    leaf_turnover: Float[Array, "slot cell"]
    froot_turnover: Float[Array, "slot cell"]
    mortality: Float[Array, "slot cell"]
    """day-1."""
    exudation: Float[Array, "slot cell"]
    """Share of the carbon for growth that roots exude."""
    froot_leaf: Float[Array, "slot cell"]
    stem_leaf: Float[Array, "slot cell"]
    croot_stem: Float[Array, "slot cell"]
    live_wood: Float[Array, "slot cell"]
    cn: Float[Array, "tissue slot cell"]
    cp: Float[Array, "tissue slot cell"]
    litter_cn: Float[Array, "slot cell"]
    litter_cp: Float[Array, "slot cell"]
    combustion: Float[Array, "tissue slot cell"]
    """Share of each tissue that burns where fire passes."""
    fire_mortality: Float[Array, "tissue slot cell"]
    """Share of the rest that dies there."""


@pytree_dataclass
class Weather:
    """Daily drivers of one forcing cycle, precomputed: ``day`` leads."""

    temperature_scalar: Float[Array, "day layer cell"]
    liquid: Float[Array, "day cell"]
    """Rain and snow melt, mm day-1."""
    evaporation: Float[Array, "day cell"]
    """Potential evaporation, mm day-1."""
    potential: Float[Array, "day slot cell"]
    """Productivity of a closed canopy, gC m-2 day-1."""
    warmth_air: Float[Array, "day cell"]
    """Respiration relative to 20 C."""
    warmth_soil: Float[Array, "day cell"]
    season: Float[Array, "day slot cell"]
    """Share of leaves that temperature and day length allow, 0 to 1."""
    fire_weather: Float[Array, "day cell"]


@pytree_dataclass
class Mode:
    """What distinguishes accelerated from normal spinup."""

    factor: Float[Array, "pool one cell"]
    """Multiplies the turnover of each pool."""
    dead_wood: Float[Array, ""]
    """Multiplies the mortality of dead wood."""
    supply_n: Float[Array, ""]
    """1 where missing N is supplied."""
    supply_p: Float[Array, ""]
    mixing: Float[Array, "kind layer layer cell"]
    """Implicit mixing over ``MIXING_DAYS``, for the litters and soil 1 and 2, for soil 3, for soil 4."""


@pytree_dataclass
class World:
    """Everything that is given for a block of cells."""

    soil: Soil
    plants: Plants
    weather: Weather


def cold_start(world: World) -> WorldState:
    """The state at the beginning of accelerated spinup, as ELM's (``initial_stock`` of soil 4, bare P)."""
    cells = world.soil.fire.shape[0]
    layers, slots = jnp.zeros((LAYERS, cells)), jnp.zeros((SLOTS, cells))
    plants = world.plants
    living = jnp.where(plants.weight > 0.0, 1.0, 0.0)
    tissue = jnp.zeros((6, SLOTS, cells)).at[LEAF].set(living * (1.0 - plants.deciduous))
    tissue = tissue.at[3].set(0.1 * plants.woody * living)
    water = 0.7 * world.soil.field_capacity + 0.3 * world.soil.wilting
    soil = SoilState(
        carbon=jnp.zeros((len(POOLS), LAYERS, cells)).at[7].set(10.0),
        nitrogen=jnp.zeros((LITTERS, LAYERS, cells)),
        phosphorus=jnp.zeros((LITTERS, LAYERS, cells)),
        ammonium=layers,
        nitrate=layers,
        solution=layers,
        labile=layers,
        secondary=layers,
        occluded=layers,
        primary=layers,
        water=water * zone_mass()[:, None],
        lagged_npp=jnp.zeros(cells),
    )
    return WorldState(
        soil,
        PlantState(
            tissue=tissue,
            leaf_storage=2.0 * living * plants.deciduous,
            froot_storage=slots,
            cpool=slots,
            xsmrpool=slots,
            npool=living,
            ppool=0.1 * living,
            retransn=slots,
            retransp=slots,
            nitrogen_status=jnp.ones_like(slots),
            phosphorus_status=jnp.ones_like(slots),
            water_status=jnp.ones_like(slots),
            leaves_out=1.0 - plants.deciduous,
            year_npp=slots,
            sum_npp=slots,
        ),
    )


def zone_mass() -> Float[Array, " zone"]:
    """kg m-2 of water in the first layer of each zone for a water content of 1."""
    from kiloland.spinup.generator.constants import THICKNESS, UPPER_LAYERS

    return jnp.asarray([THICKNESS[0], THICKNESS[UPPER_LAYERS]]) * 1000.0
