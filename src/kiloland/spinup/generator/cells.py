"""What each cell is made of beyond its climate: soil, deposition, plant types, and what nobody is told.

Everything is drawn from the seed, the member and the number of the cell: smooth fields over the globe (waves
of random direction) plus scatter from cell to cell. A member is another draw on the same grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kiloland.spinup.generator.climate import Climate, FloatArray
from kiloland.spinup.generator.constants import LAYERS, NODE, PLANT_TYPES, SLOTS
from kiloland.spinup.generator.weather import stream

WAVES = 24
GELISOL, HISTOSOL, ENTISOL, INCEPTISOL, ARIDISOL, MOLLISOL, ALFISOL, SPODOSOL, ULTISOL, OXISOL = (
    2,
    3,
    4,
    5,
    6,
    8,
    9,
    10,
    11,
    12,
)


@dataclass(frozen=True)
class CellProperties:
    """Properties of the cells, last axis ``cell``; those under "hidden" are on no file."""

    sand: FloatArray
    """Per cent, ``layer cell``."""
    clay: FloatArray
    organic: FloatArray
    """kg m-3, ``layer cell``."""
    soil_order: FloatArray
    phosphorus: FloatArray
    """Labile, secondary, occluded and apatite P, gP m-2, ``four cell``."""
    deposition_n: FloatArray
    """gN m-2 yr-1."""
    deposition_p: FloatArray
    """gP m-2 yr-1."""
    kind: FloatArray
    """Plant type of each slot, ``slot cell``; 0 where empty."""
    cover: FloatArray
    """Share of the column of each slot."""
    biome: FloatArray
    """1 desert, 2 tundra, 3 boreal, 4 temperate forest, 5 grassland, 6 savanna, 7 tropical forest."""
    q10: FloatArray
    """Hidden, as all that follows: Q10 of decomposition, by biome and cell."""
    frozen_q10: FloatArray
    driest: FloatArray
    """Water potential at which decomposition ends, MPa."""
    clay_respiration: FloatArray
    """Change of the respired fractions with clay."""
    depth_folding: FloatArray
    """m."""
    mortality: FloatArray
    """yr-1."""
    mixing: FloatArray
    """Factor on the diffusivity."""
    exudation: FloatArray
    """Share of the carbon for growth."""
    productivity: FloatArray
    """Factor on the productivity."""
    fire: FloatArray
    """Largest burned fraction, day-1."""
    gas_loss: FloatArray
    mineral_loss: FloatArray
    """Share of mineralised N that is lost as gas at once."""
    binding_p: FloatArray
    """Share of mineralised P that is bound at once."""
    leaching_p: FloatArray


class Draw:
    """Random fields of one member."""

    def __init__(self, climate: Climate, seed: int, member: int) -> None:
        self.climate = climate
        self.waves = stream(seed, 2, member)
        scatter = [stream(seed, 3 + member, int(cell)).standard_normal(64) for cell in climate.identity]
        self.scatter = np.array(scatter).T
        self.used = 0
        lat, lon = np.deg2rad(climate.latitude), np.deg2rad(climate.longitude)
        self.place = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])

    def normal(self, smooth: float = 0.8) -> FloatArray:
        """A field of unit variance of which the share ``smooth`` of the variance varies over the globe."""
        direction = self.waves.standard_normal((WAVES, 3)) * 6.0
        phase = self.waves.uniform(0.0, 2.0 * np.pi, (WAVES, 1))
        # The sum is spelt out: a matrix product may round differently for other numbers of cells.
        angle = sum(direction[:, axis : axis + 1] * self.place[axis] for axis in range(3)) + phase
        field = np.cos(angle).sum(axis=0) * np.sqrt(2.0 / WAVES)
        self.used += 1
        return np.asarray(np.sqrt(smooth) * field + np.sqrt(1.0 - smooth) * self.scatter[self.used - 1])

    def around(self, middle: FloatArray | float, spread: float, smooth: float = 0.8) -> FloatArray:
        """A log-normal field."""
        return np.asarray(middle * np.exp(spread * np.clip(self.normal(smooth), -2.5, 2.5)))


@dataclass(frozen=True)
class Summary:
    """What plants and soils depend on."""

    mean: FloatArray
    coldest: FloatArray
    warmest: FloatArray
    growing: FloatArray
    """Degree days above 5 C."""
    rain: FloatArray
    """mm yr-1."""
    aridity: FloatArray
    """Precipitation over potential evaporation."""
    dry_months: FloatArray


def summarise(climate: Climate) -> Summary:
    """Annual numbers; potential evaporation after Thornthwaite's form, doubling in 15 K."""
    temperature = climate.temperature
    potential = 30.4 * np.where(temperature > 0.0, 1.8 * np.exp(0.045 * temperature), 0.2)
    rain = climate.precipitation.sum(axis=0)
    return Summary(
        temperature.mean(axis=0),
        temperature.min(axis=0),
        temperature.max(axis=0),
        30.4 * np.maximum(temperature - 5.0, 0.0).sum(axis=0),
        rain,
        rain / potential.sum(axis=0),
        (climate.precipitation < 0.4 * potential).sum(axis=0).astype(np.float64),
    )


def ramp(value: FloatArray, low: float, high: float) -> FloatArray:
    """0 below ``low``, 1 above ``high``, straight between."""
    return np.clip((value - low) / (high - low), 0.0, 1.0)


def plant_cover(summary: Summary, draw: Draw) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Plant types and covers of the four most suited types, and the biome."""
    warm, cold = summary.growing, summary.coldest
    wet = ramp(summary.aridity, 0.25, 0.9)
    trees = wet * ramp(warm, 350.0, 900.0) * ramp(summary.warmest, 9.0, 13.0)
    tropical = ramp(cold, 14.0, 18.0)
    boreal = 1.0 - ramp(cold, -19.0, -6.0)
    temperate = (1.0 - tropical) * (1.0 - boreal)
    larch = 1.0 - ramp(cold, -36.0, -28.0)
    drought = ramp(summary.dry_months, 2.0, 5.0)
    shrubs = 0.35 * ramp(summary.aridity, 0.06, 0.3) * (1.0 - 0.7 * trees)
    grass = ramp(summary.aridity, 0.1, 0.5) * (1.0 - 0.85 * trees) * ramp(warm, 60.0, 400.0)
    arctic = 1.0 - ramp(warm, 500.0, 1000.0)
    crop = 0.3 * ramp(warm, 1200.0, 2200.0) * ramp(summary.aridity, 0.35, 0.6) * (1.0 - tropical)
    weight = np.zeros((PLANT_TYPES, len(warm)))
    weight[1] = trees * temperate * 0.4
    weight[2] = trees * boreal * (1.0 - larch) * 0.7
    weight[3] = trees * boreal * larch * 0.7
    weight[4] = trees * tropical * (1.0 - drought)
    weight[5] = trees * temperate * ramp(cold, 0.0, 8.0) * 0.4
    weight[6] = trees * tropical * (0.15 + 0.85 * drought)
    weight[7] = trees * temperate * (1.0 - 0.6 * ramp(cold, 4.0, 12.0)) * 0.5
    weight[8] = trees * boreal * 0.3
    weight[9] = shrubs * ramp(cold, 0.0, 6.0)
    weight[10] = shrubs * ramp(cold, -12.0, -4.0) * (1.0 - ramp(cold, 4.0, 12.0))
    weight[11] = shrubs * (1.0 - ramp(cold, -14.0, -6.0)) + 0.2 * arctic * ramp(warm, 60.0, 300.0)
    weight[12] = grass * arctic
    weight[13] = grass * (1.0 - arctic) * (1.0 - 0.9 * ramp(cold, 10.0, 16.0))
    weight[14] = grass * ramp(cold, 6.0, 14.0)
    weight[15] = crop
    for number in range(1, PLANT_TYPES - 1):
        weight[number] *= draw.around(1.0, 0.4, 0.6)
    order = np.argsort(-weight, axis=0, kind="stable")[:SLOTS]
    share = np.take_along_axis(weight, order, axis=0)
    total = np.clip(share.sum(axis=0), 0.03, 0.97)
    share = share / np.maximum(share.sum(axis=0), 1e-9) * total
    kept = share > 0.01
    # A cell always has one plant type: arctic or C3 grass where nothing else would do.
    kind = np.where(kept, order, 0)
    empty = ~kept.any(axis=0)
    kind[0] = np.where(empty, np.where(cold > 0.0, 13, 12), kind[0])
    share = np.where(kept, share, 0.0)
    share[0] = np.where(empty, 0.03, share[0])
    biome = np.full(len(warm), 4.0)
    biome[trees < 0.35] = 5.0
    biome[(boreal > 0.5) & (trees >= 0.2)] = 3.0
    biome[(tropical > 0.5) & (trees < 0.6)] = 6.0
    biome[(tropical > 0.5) & (trees >= 0.6)] = 7.0
    biome[summary.aridity < 0.15] = 1.0
    biome[(warm < 600.0) & (summary.aridity >= 0.15)] = 2.0
    return kind.astype(np.float64), share, biome


def soil_orders(summary: Summary, draw: Draw) -> FloatArray:
    """ELM's soil order from climate and chance."""
    chance = draw.normal(0.7)
    order = np.where(summary.rain > 900.0, ALFISOL, MOLLISOL)
    order = np.where((summary.mean < 6.0) & (summary.mean > -4.0) & (summary.aridity > 0.6), SPODOSOL, order)
    order = np.where((summary.coldest > 5.0) & (summary.rain > 900.0), ULTISOL, order)
    order = np.where((summary.coldest > 15.0) & (summary.rain > 1300.0), OXISOL, order)
    order = np.where(chance > 1.0, INCEPTISOL, order)
    order = np.where(chance < -1.2, ENTISOL, order)
    order = np.where(summary.aridity < 0.2, ARIDISOL, order)
    return np.asarray(np.where(summary.mean < -6.0, GELISOL, order), np.float64)


MINERAL_P = {
    GELISOL: (4.0, 30.0, 40.0, 130.0),
    ENTISOL: (6.0, 35.0, 40.0, 150.0),
    INCEPTISOL: (6.0, 45.0, 60.0, 100.0),
    ARIDISOL: (7.0, 50.0, 60.0, 150.0),
    MOLLISOL: (8.0, 60.0, 60.0, 110.0),
    ALFISOL: (5.0, 45.0, 80.0, 90.0),
    SPODOSOL: (4.0, 45.0, 70.0, 70.0),
    ULTISOL: (3.0, 40.0, 120.0, 20.0),
    OXISOL: (2.5, 40.0, 150.0, 8.0),
}
"""Labile, secondary, occluded and apatite P, gP m-2, of the surface file by soil order."""
FRESH_P = {ULTISOL: 0.05, OXISOL: 0.04, ARIDISOL: 0.04, GELISOL: 0.05}
"""P input of old soils, gP m-2 yr-1; 0.08 elsewhere. Dust and the renewal of rock in one."""


def make_properties(climate: Climate, seed: int, member: int) -> CellProperties:
    """Draw the properties of the cells of one member."""
    draw, summary = Draw(climate, seed, member), summarise(climate)
    kind, cover, biome = plant_cover(summary, draw)
    order = soil_orders(summary, draw)
    clay = np.clip(22.0 + 9.0 * draw.normal(), 4.0, 60.0)
    sand = np.clip(42.0 + 14.0 * draw.normal() - 0.5 * (clay - 22.0), 5.0, 90.0 - clay)
    trend = NODE[:LAYERS, None] / 3.0
    organic = np.clip(30.0 + 18.0 * draw.normal() + 15.0 * (summary.mean < 2.0), 2.0, 110.0)
    stock = np.array([MINERAL_P[int(name)] for name in order]).T * draw.around(1.0, 0.25)
    fresh = np.array([FRESH_P.get(int(name), 0.08) for name in order])
    exchange = np.array([0.0, 1.9, 1.7, 1.6, 1.75, 1.7, 1.8, 1.95])[biome.astype(int)]
    return CellProperties(
        sand=np.clip(sand - 4.0 * trend, 3.0, 95.0),
        clay=np.clip(clay + 8.0 * trend, 3.0, 70.0),
        organic=organic * np.exp(-NODE[:LAYERS, None] / 0.4),
        soil_order=order,
        phosphorus=stock,
        deposition_n=draw.around(0.3 + 0.6 * ramp(summary.growing, 500.0, 3000.0), 0.5),
        deposition_p=draw.around(fresh, 0.35),
        kind=kind,
        cover=cover,
        biome=biome,
        q10=draw.around(exchange, 0.06, 0.5),
        frozen_q10=draw.around(2.2, 0.12, 0.5),
        driest=-draw.around(25.0, 0.25),
        clay_respiration=0.35 + 0.12 * draw.normal(),
        depth_folding=np.clip(draw.around(0.75, 0.18), 0.5, 1.2),
        mortality=draw.around(0.02, 0.25, 0.6),
        mixing=draw.around(1.5, 0.35),
        exudation=np.clip(0.06 + 0.025 * draw.normal(), 0.01, 0.13),
        productivity=draw.around(1.0, 0.1),
        fire=draw.around(0.0028, 0.3),
        gas_loss=np.clip(draw.around(0.06, 0.3), 0.02, 0.15),
        mineral_loss=np.clip(draw.around(0.08, 0.25), 0.04, 0.16),
        binding_p=np.clip(draw.around(0.12, 0.25), 0.06, 0.24),
        leaching_p=draw.around(0.25, 0.3),
    )
