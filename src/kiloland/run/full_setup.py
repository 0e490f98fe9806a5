"""What a step of water and energy needs beside the column constants: traits, tables, sun, particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.land_streams import LandStream
from kiloland.atmosphere.orbit import day_length, declination, orbital_parameters, zenith_day
from kiloland.land.biophysics.active_layer import year_opened
from kiloland.land.biophysics.canopy_fluxes import PlantTraits
from kiloland.land.biophysics.leaf_capacity import LARGEST_DECLINATION, day_length_factor
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_cover import melt_shape
from kiloland.land.biophysics.snow_optics import SnowOptics
from kiloland.land.biophysics.soil_moisture_stress import root_fractions
from kiloland.land.biophysics.surface_runoff import Terrain, microrelief, pond_threshold
from kiloland.land.full_inputs import LandConstants, Surroundings
from kiloland.land.full_means import Moment
from kiloland.land.step import ColumnConstants, Weather
from kiloland.land.subgrid import Block, ColumnGroup
from kiloland.run.canopy_parameters import (
    CanopyParameters,
    read_canopy_parameters,
    read_carbon_dioxide_share,
)
from kiloland.run.clock import DAY, date_of_seconds
from kiloland.run.land_streams import particle_stream, snow_particles
from kiloland.run.namelist import find_input
from kiloland.run.parameters import read_largest_drainage
from kiloland.run.restart import Restart
from kiloland.run.snow_tables import (
    find_snow_files,
    read_first_deposition,
    read_grain_tables,
    read_snow_optics,
)
from kiloland.run.surface import Surface

SPECIES = 8
"""Kinds of particles in snow."""
TEN_DAYS = 10 * 86400
_Traits = TypeVar("_Traits")


@dataclass(frozen=True)
class LandInputs:
    """Traits and tables of a run; ``deposition`` of particles, ``[species, cell]``, kg m-2 s-1.

    Where deposition changes with time it is that of the first sample, and ``particles`` brings all others.
    """

    canopy: CanopyParameters
    snow_optics: SnowOptics
    grain_tables: GrainTables
    largest_drainage: float
    carbon_dioxide: float
    deposition: np.ndarray
    particles: LandStream | None = None

    def deposition_of(self, ends: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """Deposition on some cells, ``[species, cell]``, or ``[step, species, cell]`` by ends of steps."""
        return deposition_on(self.deposition, self.particles, ends, cells)


def deposition_on(
    constant: np.ndarray, stream: LandStream | None, ends: np.ndarray, cells: np.ndarray
) -> np.ndarray:
    """Particles on cells, kg m-2 s-1: ``[species, cell]`` of all times, or of each step from a stream."""
    if stream is None:
        return constant[:, cells]
    return np.stack([snow_particles(stream.at(int(end))[:, cells]) for end in ends])


def read_land_inputs(
    parameters: Path,
    optics: Path,
    ageing: Path,
    deposition: Path | None,
    carbon_dioxide: float,
    longitude: np.ndarray,
    latitude: np.ndarray,
) -> LandInputs:
    """Read traits and tables; without a deposition file no particles fall on the cells (degrees).

    Raises:
        InputError: a file or a variable that is missing or unfit.
    """
    first, stream = np.zeros((SPECIES, len(longitude))), None
    if deposition is not None:
        first, varies = read_first_deposition(deposition, longitude, latitude)
        if varies:
            stream = particle_stream(deposition, Places(longitude, latitude))
    return LandInputs(
        canopy=read_canopy_parameters(parameters),
        snow_optics=read_snow_optics(optics),
        grain_tables=read_grain_tables(ageing),
        largest_drainage=read_largest_drainage(parameters),
        carbon_dioxide=carbon_dioxide,
        deposition=first,
        particles=stream,
    )


def land_inputs_of_namelist(
    namelist: Path, parameters: str, folders: Sequence[Path], longitude: np.ndarray, latitude: np.ndarray
) -> LandInputs:
    """The same from what ELM's namelist names."""
    files = find_snow_files(namelist, folders)
    return read_land_inputs(
        find_input(parameters, folders),
        files.optics,
        files.ageing,
        files.deposition,
        read_carbon_dioxide_share(namelist),
        longitude,
        latitude,
    )


def terrain_of(surface: Surface, cells: np.ndarray) -> Terrain:
    """Terrain of columns by the positions of their cells in the surface data."""
    slope = jnp.asarray(surface.slope[cells])
    sigma = microrelief(slope)
    return Terrain(
        maximum_saturated_fraction=jnp.asarray(surface.saturated_fraction[cells]),
        slope=slope,
        microrelief=sigma,
        pond_threshold=pond_threshold(sigma),
        runoff_decay=jnp.asarray(surface.runoff_decay[cells]),
        drainage_decay=jnp.asarray(surface.drainage_decay[cells]),
    )


def land_constants(
    columns: ColumnConstants, group: ColumnGroup, block: Block, surface: Surface, inputs: LandInputs
) -> LandConstants:
    """The constants of a block of columns."""
    cells = group.gridcell[block.column_take]
    types = jnp.asarray(group.patch_type[block.patch_take])
    roots = gather_traits(inputs.canopy.roots, types)
    return LandConstants(
        column=columns,
        terrain=terrain_of(surface, cells),
        melt_shape=melt_shape(jnp.asarray(surface.elevation_deviation[cells])),
        plants=PlantTraits(
            structure=columns.parameters.structure.gather(types),
            leaf=gather_traits(inputs.canopy.leaf, types),
        ),
        root_traits=roots,
        roots=root_fractions(roots),
        snow_optics=inputs.snow_optics,
        grain_tables=inputs.grain_tables,
        stress_temperature=jnp.asarray(inputs.canopy.stress_temperature),
        largest_drainage=jnp.asarray(inputs.largest_drainage),
        carbon_dioxide=jnp.asarray(inputs.carbon_dioxide),
    )


def gather_traits(traits: _Traits, types: jax.Array) -> _Traits:
    """Traits of the plant type of each patch."""
    gathered: _Traits = jax.tree.map(lambda values: values[types], traits)
    return gathered


@dataclass(frozen=True)
class RunningMean:
    """How the ten-day mean of a run counts: ``begun`` s since 0001-01-01, ``period`` in steps."""

    begun: int
    period: int

    @classmethod
    def of(cls, restart: Restart, timestep: int) -> RunningMean:
        """ELM keeps the period of the run that a restart comes from; without one it is ten days."""
        period = TEN_DAYS // timestep
        if "T10_PERIOD" in restart.values:
            period = restart.scalar("T10_PERIOD")
        return cls(restart.begun, period)

    def samples(self, first: int, timestep: int, count: int) -> np.ndarray:
        """Samples in the mean of consecutive steps from a moment on."""
        number = (first - self.begun) // timestep + 1 + np.arange(count)
        return np.minimum(np.maximum(number, 1), self.period).astype(np.float64)


def surround(
    weather: Weather,
    first: int,
    timestep: int,
    latitude: np.ndarray,
    deposition: np.ndarray,
    mean: RunningMean,
    orbital_year: int,
) -> Surroundings:
    """Weather ``[step, column]`` with the sun, particles and means of the same steps.

    Args:
        weather: series of a block, which may be longer than the steps that will be used.
        first: start of the first step, s since 0001-01-01.
        timestep: s.
        latitude: of the columns, degrees.
        deposition: on the columns, ``[species, column]``, kg m-2 s-1, or the same of every step.
        mean: of temperature.
        orbital_year: year AD of the orbit.
    """
    count = weather.temperature.shape[0]
    ends = first + timestep * np.arange(1, count + 1, dtype=np.int64)
    delta, _ = declination(orbital_parameters(orbital_year), zenith_day(ends, timestep))
    radian = np.radians(latitude)
    longest = jnp.asarray(day_length(radian, np.copysign(LARGEST_DECLINATION, radian)))
    days = np.stack([day_length(radian, one) for one in delta])
    return Surroundings(
        weather=weather,
        day_length_factor=day_length_factor(jnp.asarray(days), longest[None]),
        deposition=jnp.asarray(_of_steps(deposition, count)),
        ten_day_samples=jnp.asarray(mean.samples(first, timestep, count)),
        vegetation=None,
    )


def _of_steps(deposition: np.ndarray, count: int) -> np.ndarray:
    """Deposition in each of so many steps; the last one again and again where there are fewer."""
    if deposition.ndim == 2:
        return np.broadcast_to(deposition, (count, *deposition.shape))
    return deposition[np.minimum(np.arange(count), len(deposition) - 1)]


def moments(
    surroundings: Surroundings, first: int, timestep: int, latitude: np.ndarray, begun: int
) -> Moment:
    """Surroundings of steps with their places in time.

    Args:
        surroundings: ``[step, column]``.
        first: start of the first step, s since 0001-01-01.
        timestep: s.
        latitude: of the columns, degrees.
        begun: when the run began that the means count from.
    """
    count = surroundings.weather.temperature.shape[0]
    ends = first + timestep * np.arange(1, count + 1, dtype=np.int64)
    opened = []
    for end in ends:
        ymd, second = date_of_seconds(int(end))
        month, day = ymd // 100 % 100, ymd % 100
        opened.append(year_opened(jnp.asarray(latitude), month, day, second, timestep))
    return Moment(
        surroundings=surroundings,
        number=jnp.asarray((ends - begun) // timestep, jnp.int32),
        second_of_day=jnp.asarray(ends % DAY, jnp.int32),
        year_opened=jnp.asarray(np.stack(opened)),
    )
