"""What the land receives from the atmosphere, and the interface of everything that can supply it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.calendar import ModelTimes
from kiloland.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Forcing:
    """Atmospheric forcing of consecutive model steps; every array float64 ``[time, cell]``, SI units."""

    temperature: FloatArray
    """Air temperature at the reference height [K]."""
    potential_temperature: FloatArray
    """Potential temperature as ELM receives it [K]; the data atmospheres set it to the temperature."""
    pressure: FloatArray
    """Surface pressure [Pa]."""
    specific_humidity: FloatArray
    """Specific humidity [kg/kg]."""
    wind: FloatArray
    """Wind speed [m/s]."""
    longwave_down: FloatArray
    """Downward longwave radiation [W/m2]."""
    rain: FloatArray
    """Rain [kg/m2/s]."""
    snow: FloatArray
    """Snowfall, water equivalent [kg/m2/s]."""
    shortwave_direct_visible: FloatArray
    """Direct-beam shortwave below 0.7 um [W/m2]."""
    shortwave_direct_near_infrared: FloatArray
    """Direct-beam shortwave above 0.7 um [W/m2]."""
    shortwave_diffuse_visible: FloatArray
    """Diffuse shortwave below 0.7 um [W/m2]."""
    shortwave_diffuse_near_infrared: FloatArray
    """Diffuse shortwave above 0.7 um [W/m2]."""
    reference_height: FloatArray
    """Height of the forcing above the zero plane [m]."""

    @property
    def shortwave_down(self) -> FloatArray:
        """Total downward shortwave [W/m2], the four parts in ELM's order of summation."""
        return (
            self.shortwave_direct_near_infrared
            + self.shortwave_direct_visible
            + self.shortwave_diffuse_near_infrared
            + self.shortwave_diffuse_visible
        )

    def cells(self, positions: IntArray) -> Forcing:
        """The forcing of some of the cells, in the given order."""
        return Forcing(**{part.name: getattr(self, part.name)[:, positions] for part in fields(self)})


def join_times(parts: Sequence[Forcing]) -> Forcing:
    """Forcing of consecutive blocks of steps as one."""
    return Forcing(
        **{
            part.name: np.concatenate([getattr(block, part.name) for block in parts])
            for part in fields(Forcing)
        }
    )


@dataclass(frozen=True)
class Places:
    """Where forcing is wanted: the cells of a domain, each array ``[cell]``.

    ``longitude``, ``latitude`` in degrees (either convention of longitude); ``gridcell_id`` as in the domain,
    None where the cells have no number.
    """

    longitude: FloatArray
    latitude: FloatArray
    gridcell_id: IntArray | None = None

    def __post_init__(self) -> None:
        shapes = {np.shape(self.longitude), np.shape(self.latitude)}
        if self.gridcell_id is not None:
            shapes.add(np.shape(self.gridcell_id))
        if len(shapes) != 1:
            raise InputError(
                "longitude, latitude and gridcell id of the cells differ in length", found=shapes
            )

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.longitude)

    def take(self, positions: IntArray) -> Self:
        """Some of the cells, in the given order."""
        ids = None if self.gridcell_id is None else self.gridcell_id[positions]
        return type(self)(self.longitude[positions], self.latitude[positions], ids)


class ForcingSource(Protocol):
    """Anything that can force the land."""

    def load(self, times: ModelTimes, cells: IntArray) -> Forcing:
        """Forcing of consecutive steps for ``cells``: positions in the places the source was opened with."""
        ...
