"""What a step of water and energy takes: surroundings of the land and constants of a run."""

from __future__ import annotations

from jaxtyping import Array, Float, Int

from kiloland.land.biophysics.canopy_fluxes import PlantTraits
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_optics import SnowOptics
from kiloland.land.biophysics.soil_moisture_stress import RootTraits
from kiloland.land.biophysics.surface_runoff import Terrain
from kiloland.land.pytree import pytree_dataclass
from kiloland.land.step import ColumnConstants, Weather
from kiloland.land.subgrid import BlockIndex

AEROSOL_FIELDS = (
    "black_carbon_hydrophilic",
    "black_carbon_hydrophobic",
    "organic_carbon_hydrophilic",
    "organic_carbon_hydrophobic",
    "dust_1",
    "dust_2",
    "dust_3",
    "dust_4",
)
"""Fields of the state in the order of :class:`~kiloland.land.biophysics.aerosol.Aerosol`."""


@pytree_dataclass
class Vegetation:
    """What a step takes of the vegetation, from outside until it grows."""

    leaf_area: Float[Array, " patch"]
    """Exposed, m2 m-2."""
    stem_area: Float[Array, " patch"]
    canopy_top: Float[Array, " patch"]
    """m."""
    exposed: Int[Array, " patch"]
    """1 where vegetation stands above the snow."""


@pytree_dataclass
class Plants:
    """Plants as they stand, buried by snow or not."""

    leaf_area: Float[Array, " patch"]
    """m2 m-2 (`TLAI`)."""
    stem_area: Float[Array, " patch"]
    """(`TSAI`)."""
    top: Float[Array, " patch"]
    """Of the canopy, m (`HTOP`)."""
    bottom: Float[Array, " patch"]
    """m (`HBOT`)."""


@pytree_dataclass
class Surroundings:
    """What surrounds the land during a step."""

    weather: Weather
    day_length_factor: Float[Array, " column"]
    """(Day length over the longest day)^2."""
    deposition: Float[Array, "species column"]
    """Particles that fall on snow, kg m-2 s-1."""
    ten_day_samples: Float[Array, ""]
    """Samples of the ten-day mean of temperature: its period in steps, fewer at the start of a run."""
    vegetation: Vegetation | Plants | None
    """At the end of the step, plants less what snow buries then; None keeps that of the state."""


@pytree_dataclass
class LandConstants:
    """What does not change during a run."""

    column: ColumnConstants
    terrain: Terrain
    melt_shape: Float[Array, " column"]
    """Exponent of the depletion curve of the snow cover."""
    plants: PlantTraits
    """Per patch."""
    root_traits: RootTraits
    """Per patch."""
    roots: Float[Array, "soil patch"]
    """Share of the roots in each layer."""
    snow_optics: SnowOptics
    grain_tables: GrainTables
    stress_temperature: Float[Array, ""]
    """Soil temperature at and below which roots take up nothing, C."""
    largest_drainage: Float[Array, ""]
    """kg m-2 s-1."""
    carbon_dioxide: Float[Array, ""]
    """Share of the pressure of the air."""

    @property
    def index(self) -> BlockIndex:
        """Which patch stands on which column."""
        return self.column.index
