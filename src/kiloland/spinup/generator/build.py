"""From climate and properties of a block of cells to what the kernel steps: a ``World``."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from kiloland.spinup.generator.cells import CellProperties
from kiloland.spinup.generator.climate import Climate, FloatArray
from kiloland.spinup.generator.constants import (
    ACCELERATION,
    CWD,
    DAYS,
    INTERFACE,
    LAYERS,
    MIXING_DAYS,
    MORTALITY_FACTOR,
    NODE,
    RESPIRED,
    SLOTS,
    SOIL3,
    SOIL4,
    THICKNESS,
    UPPER_LAYERS,
)
from kiloland.spinup.generator.drivers import make_weather, warmest_soil_temperature
from kiloland.spinup.generator.state import Mode, Plants, Soil, World
from kiloland.spinup.generator.traits import SOIL_ORDERS, daily, trait
from kiloland.spinup.generator.weather import DailyWeather

BIOTURBATION = 1e-4 / DAYS
"""m2 day-1, as ELM's; five times as much where the ground freezes from below (cryoturbation)."""
CRYOTURBATION = 5e-4 / DAYS
ROOT_FOLDING = {12: 0.15, 11: 0.18}
EROSION = 1.0 / (300.0 * DAYS)
"""Loss of occluded P, day-1."""
SMALLEST_DEPTH_SCALAR = 0.05
"""Keeps the turnover of the deepest layers below a hundred thousand years."""


def make_world(climate: Climate, properties: CellProperties, weather: DailyWeather) -> World:
    """The given side of a block."""
    plants = make_plants(properties)
    return World(make_soil(climate, properties), plants, make_weather(climate, properties, weather, plants))


def make_plants(properties: CellProperties) -> Plants:
    """Traits by slot; empty slots have weight 0 and harmless traits."""
    kind = properties.kind.astype(int)
    used = properties.cover > 0.0

    def of(name: str, empty: float = 0.0) -> FloatArray:
        return np.where(used, trait(name)[kind], empty)

    def life(name: str) -> FloatArray:
        evergreen = of("evergreen")
        return np.asarray(evergreen / (np.maximum(of(name, 1.0), 0.1) * DAYS))

    woody = np.minimum(of("woody"), 1.0)
    crop = kind >= 15
    # Herbs have no wood; their file values of wood are zero and would divide.
    wood_cn = [
        np.where(woody > 0, of(name, 1.0), value) for name, value in (("livewdcn", 50.0), ("deadwdcn", 500.0))
    ]
    wood_cp = [np.where(woody > 0, of(name, 1.0), 3000.0) for name in ("livewdcp", "deadwdcp")]
    leaf_cn, root_cn = of("leafcn", 25.0), of("frootcn", 42.0)
    leaf_cp, root_cp = of("leafcp", 400.0), of("frootcp", 1000.0)
    burn = [of("cc_leaf"), 0.0 * woody, of("cc_lstem"), of("cc_dstem"), 0.0 * woody, 0.0 * woody]
    kill = [of("fm_leaf"), of("fm_root"), of("fm_lstem"), of("fm_droot"), of("fm_lroot"), of("fm_droot")]
    return Plants(
        *(
            jnp.asarray(values, jnp.float64)
            for values in (
                np.where(used, kind, 0),
                properties.cover,
                woody,
                np.where(used, 1.0 - of("evergreen"), 0.0),
                np.where(used, of("stress_decid"), 0.0),
                of("slatop"),
                life("leaf_long"),
                life("froot_long"),
                np.broadcast_to(properties.mortality, (SLOTS, used.shape[1]))
                / DAYS
                * np.where(crop, 1.5, 1.0),
                np.broadcast_to(properties.exudation, used.shape),
                of("froot_leaf", 1.0),
                of("stem_leaf"),
                of("croot_stem"),
                of("flivewd"),
                np.stack([leaf_cn, root_cn, *wood_cn, *wood_cn]),
                np.stack([leaf_cp, root_cp, *wood_cp, *wood_cp]),
                of("lflitcn", 50.0),
                of("lflitcp", 800.0),
                np.stack(burn),
                np.stack(kill),
            )
        )
    )


def root_profile(properties: CellProperties) -> FloatArray:
    """Mean root profile of the column, m-1, from ELM's beta of each plant type."""
    beta = np.where(properties.cover > 0.0, trait("rootprof_beta")[properties.kind.astype(int)], 0.95)
    edges = INTERFACE[: LAYERS + 1] * 100.0
    share = np.exp(np.log(beta)[None] * edges[:, None, None])
    layer = (share[:-1] - share[1:]) / THICKNESS[:LAYERS, None, None]
    weight = properties.cover / properties.cover.sum(axis=0)
    profile = sum(layer[:, slot] * weight[slot] for slot in range(SLOTS))
    return normalised(np.asarray(profile))


def normalised(profile: FloatArray) -> FloatArray:
    """A profile whose integral is 1."""
    integral = sum(profile[layer] * THICKNESS[layer] for layer in range(LAYERS))
    return np.asarray(profile / integral)


def make_soil(climate: Climate, properties: CellProperties) -> Soil:
    """The soil of the columns."""
    cells = len(climate.identity)
    active = active_layer(climate)
    surface = np.exp(-10.0 * NODE[:LAYERS]) / THICKNESS[:LAYERS]
    thawed = np.arange(LAYERS)[:, None] < np.maximum(active[1], 1)
    root = normalised(np.where(thawed, root_profile(properties), 0.0))
    share = sum(root[layer] * THICKNESS[layer] for layer in range(UPPER_LAYERS))
    order = properties.soil_order.astype(int)
    clay = properties.clay[:UPPER_LAYERS].mean(axis=0), properties.clay[UPPER_LAYERS:].mean(axis=0)
    sand = properties.sand[:UPPER_LAYERS].mean(axis=0), properties.sand[UPPER_LAYERS:].mean(axis=0)
    saturation = 0.489 - 0.00126 * np.stack(sand)
    bsw = 2.91 + 0.159 * np.stack(clay)
    suction = 10.0 * 10.0 ** (1.88 - 0.0131 * np.stack(sand)) * 9.8e-6
    wilting = np.clip(0.03 + 0.0035 * np.stack(clay), 0.04, 0.24)
    capacity = np.clip(wilting + climate.capacity, wilting + 0.05, saturation - 0.04)
    # ln(psi_min / psi) / ln(psi_min / psi_max) with psi = -suction (theta / saturation)^-b.
    driest = np.log(-properties.driest / suction)
    relative = 1.0 + properties.clay_respiration * (clay[0] / 100.0 - 0.22)
    respired = np.clip(RESPIRED[:, None] * relative, 0.0, 0.9)
    respired[7] = 1.0
    values = (
        respired[:, None],
        normalised(np.where(thawed, surface[:, None], 0.0)),
        root,
        properties.deposition_n / DAYS,
        properties.deposition_p / DAYS,
        np.full(cells, 3.0 / DAYS),
        properties.gas_loss,
        properties.mineral_loss,
        properties.binding_p,
        properties.leaching_p,
        SOIL_ORDERS["smax"][order],
        SOIL_ORDERS["ks_sorption"][order],
        daily(SOIL_ORDERS["r_weather"][order]),
        daily(SOIL_ORDERS["r_adsorp"][order]),
        daily(SOIL_ORDERS["r_desorp"][order]),
        daily(SOIL_ORDERS["r_occlude"][order]),
        np.full(cells, EROSION),
        wilting,
        capacity,
        saturation,
        np.ones_like(driest),
        bsw / driest,
        0.5 - 0.003 * clay[0],
        np.stack([share, 1.0 - share]),
        properties.fire,
        np.maximum(np.exp(-NODE[:LAYERS, None] / properties.depth_folding), SMALLEST_DEPTH_SCALAR),
        diffusivity(properties, active[0]),
        properties.phosphorus,
    )
    return Soil(*(jnp.asarray(value, jnp.float64) for value in values))


def active_layer(climate: Climate) -> tuple[FloatArray, FloatArray]:
    """Depth of the thaw, m, and number of layers that thaw, from the seasonal wave in the ground."""
    temperature = warmest_soil_temperature(climate)
    thawed = (temperature > 0.0).sum(axis=0)
    return np.asarray(INTERFACE[np.minimum(thawed, LAYERS)]), thawed.astype(np.float64)


def diffusivity(properties: CellProperties, active: FloatArray) -> FloatArray:
    """Mixing at the lower interface of each layer, m2 day-1 (``SoilLittVertTranspMod``).

    Cryoturbation where the active layer is at most 2 m: constant within it, then linear to 0 at 3 m.
    """
    depth = INTERFACE[1 : LAYERS + 1, None]
    frost = (active > 0.0) & (active <= 2.0)
    below = np.clip((3.0 - depth) / np.maximum(3.0 - active, 0.1), 0.0, 1.0)
    frozen = CRYOTURBATION * np.where(depth <= active, 1.0, below)
    profile = np.where(frost, frozen, np.where(active > 0.0, BIOTURBATION, 0.1 * BIOTURBATION))
    result = profile * properties.mixing
    result[-1] = 0.0
    return np.asarray(result)


def mixing_matrix(mixing: FloatArray) -> FloatArray:
    """Inverse of the implicit mixing over ``MIXING_DAYS``, ``layer layer cell``: keeps the integral.

    (I + dt A) x_new = x_old, with the flux between neighbours D (x_j - x_{j+1}) / (z_{j+1} - z_j).
    """
    cells = mixing.shape[1]
    matrix = np.zeros((cells, LAYERS, LAYERS))
    for layer in range(LAYERS - 1):
        flux = MIXING_DAYS * mixing[layer] / (NODE[layer + 1] - NODE[layer])
        for row, sign in ((layer, 1.0), (layer + 1, -1.0)):
            matrix[:, row, layer] += sign * flux / THICKNESS[row]
            matrix[:, row, layer + 1] -= sign * flux / THICKNESS[row]
    matrix += np.eye(LAYERS)
    return np.asarray(np.moveaxis(np.linalg.inv(matrix), 0, -1))


def make_mode(
    soil: Soil,
    *,
    accelerated: bool,
    supply_n: bool = False,
    supply_p: bool = False,
    average: FloatArray | None = None,
) -> Mode:
    """The mode of a run; ``average`` is the averaged scalar from year 40 of accelerated spinup on."""
    cells = soil.fire.shape[0]
    factor = np.ones((len(ACCELERATION), 1, cells))
    if accelerated:
        factor *= ACCELERATION[:, None, None]
        if average is not None:
            for pool in (CWD, SOIL3, SOIL4):
                factor[pool] /= average
    base = np.asarray(soil.diffusivity)
    matrices = [mixing_matrix(base * factor[pool]) for pool in (0, SOIL3, SOIL4)]
    return Mode(
        jnp.asarray(factor),
        jnp.asarray(MORTALITY_FACTOR if accelerated else 1.0),
        jnp.asarray(float(supply_n)),
        jnp.asarray(float(supply_p)),
        jnp.asarray(np.stack(matrices)),
    )
