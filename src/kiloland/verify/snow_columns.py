"""Snow of every kind of column as restarts hold it: soil, glacier, lake, wetland."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from kiloland.land.biophysics.snicar import SnowPack
from kiloland.land.subgrid import ColumnType
from kiloland.land.vertical import SNOW_LAYERS
from kiloland.run.restart import Restart

SNOWY_TYPES = (ColumnType.SOIL, ColumnType.GLACIER, ColumnType.LAKE, ColumnType.WETLAND)
AEROSOLS = (
    "mss_bcphi",
    "mss_bcpho",
    "mss_ocphi",
    "mss_ocpho",
    "mss_dst1",
    "mss_dst2",
    "mss_dst3",
    "mss_dst4",
)
"""Restart names of the species, in the order of the masses."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class SnowColumns:
    """Some columns of a restart, by their rows in its vectors."""

    restart: Restart
    rows: NDArray[np.int64]

    def get(self, name: str) -> Array:
        """A restart variable of these columns, layers first."""
        values = np.asarray(self.restart.values[name][self.rows], np.float64)
        return jnp.asarray(np.ascontiguousarray(values.T))

    @property
    def types(self) -> NDArray[np.int64]:
        """Type codes of the columns."""
        return np.asarray(self.restart.values["cols1d_ityp"][self.rows], np.int64)

    @property
    def snow_index(self) -> Array:
        """Minus the number of snow layers."""
        return jnp.asarray(self.restart.values["SNLSNO"][self.rows].astype(np.int32))

    @property
    def pack(self) -> SnowPack:
        """The snow that light meets."""
        return SnowPack(
            snow_index=self.snow_index,
            liquid_water=self.get("H2OSOI_LIQ")[:SNOW_LAYERS],
            ice=self.get("H2OSOI_ICE")[:SNOW_LAYERS],
            snow_water=self.get("H2OSNO"),
            grain_radius=self.get("snw_rds"),
            aerosol_mass=jnp.stack([self.get(name) for name in AEROSOLS]),
        )


def snow_columns(restart: Restart) -> SnowColumns:
    """The active columns that can carry snow in layers."""
    values = restart.values
    chosen = (
        (values["cols1d_active"] == 1)
        & (values["cols1d_wtxy"] > 0.0)
        & np.isin(values["cols1d_ityp"], SNOWY_TYPES)
    )
    return SnowColumns(restart, np.flatnonzero(chosen))
