"""Towns of a restart: which columns and patches they are, and their state."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.land.biophysics.constants import FREEZING_POINT
from kiloland.land.biophysics.urban_albedo import UrbanAlbedo
from kiloland.land.urban_state import UrbanState
from kiloland.land.urban_town import COLUMN_TYPES, URBAN_LAYERS, Surface, by_surface
from kiloland.land.vertical import SNOW_LAYERS, snow_layer_mask
from kiloland.run.restart import Restart

FIRST_URBAN_LANDUNIT = 7
"""Code of the first of the three density classes (`land1d_ityplun`)."""
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
ABSORBED = ("sabs_roof", "sabs_sunwall", "sabs_shadewall", "sabs_improad", "sabs_perroad")
"""Restart variables of absorbed light, in the order of surfaces; `_dir` and `_dif` follow."""

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Towns:
    """The active towns of a restart, by their rows in its vectors."""

    restart: Restart
    landunit_row: Index
    density_class: Index
    """0 tall building district, 1 high, 2 medium density."""
    gridcell: Index
    """Position of the cell of each town among those of the restart."""
    column_row: Index
    """Flat, the surface slower."""
    patch_row: Index
    """The one patch of each column."""

    @property
    def count(self) -> int:
        """Number of towns."""
        return len(self.landunit_row)

    def columns(self, name: str) -> Array:
        """A restart variable of the columns, layers first."""
        return _last_axis(self.restart.values[name][self.column_row])

    def patches(self, name: str) -> Array:
        """A restart variable of the patches, with axes of surfaces and towns."""
        return by_surface(_last_axis(self.restart.values[name][self.patch_row]))

    def landunits(self, name: str) -> Array:
        """A restart variable of the landunits."""
        return _last_axis(self.restart.values[name][self.landunit_row])

    def roads(self, name: str) -> Array:
        """A restart variable of the pervious roads."""
        return by_surface(self.columns(name))[..., Surface.PERVIOUS_ROAD, :]

    def used_ground(self) -> Array:
        """Ground rows that exist: five of roofs and walls, all of roads."""
        building = np.arange(len(Surface)) <= Surface.SHADED_WALL
        layers = self.restart.values["T_SOISNO"].shape[-1] - SNOW_LAYERS
        used = ~building[None, :] | (np.arange(layers) < URBAN_LAYERS)[:, None]
        return jnp.asarray(np.repeat(used, self.count, axis=1))


def find_towns(restart: Restart) -> Towns:
    """The towns of a restart that have weight.

    Raises:
        InputError: a town without exactly one column of each surface, or a column without a patch.
    """
    values = restart.values
    kind = values["cols1d_ityp"].astype(np.int64)
    active = (values["cols1d_active"] == 1) & (values["cols1d_wtxy"] > 0.0)
    urban = np.flatnonzero(active & np.isin(kind, COLUMN_TYPES))
    owner = np.searchsorted(restart.rows["landunit"], values["cols1d_landunit_index"][urban] - 1)
    landunit = np.unique(owner)
    rows = np.full((len(Surface), len(landunit)), -1, np.int64)
    rows[np.searchsorted(COLUMN_TYPES, kind[urban]), np.searchsorted(landunit, owner)] = urban
    if (rows < 0).any() or len(urban) != rows.size:
        raise InputError(
            "a town without one column of each of its five surfaces",
            file=restart.path,
            variable="cols1d_ityp",
            found=f"{len(urban)} columns in {len(landunit)} towns",
            expected=f"{rows.size} columns",
        )
    cell = values["cols1d_gridcell_index"][rows[0]] - 1
    column_row = rows.reshape(-1)
    return Towns(
        restart=restart,
        landunit_row=landunit,
        density_class=values["land1d_ityplun"][landunit].astype(np.int64) - FIRST_URBAN_LANDUNIT,
        gridcell=np.searchsorted(restart.rows["gridcell"], cell),
        column_row=column_row,
        patch_row=_patches(restart, column_row),
    )


def load_urban_state(towns: Towns) -> UrbanState:
    """The state of the towns of a restart; rows that hold nothing get finite values."""
    index = towns.columns("SNLSNO").astype(jnp.int32)
    exists = snow_layer_mask(index)
    used = jnp.concatenate([exists, towns.used_ground()])

    def snow(name: str) -> Array:
        return jnp.where(exists, towns.columns(name), 0.0)

    def total(name: str, filler: float) -> Array:
        return jnp.where(used, towns.columns(name), filler)

    return UrbanState(
        snow_index=index,
        snow_thickness=snow("DZSNO"),
        snow_node_depth=snow("ZSNO"),
        snow_interface_depth=snow("ZISNO"),
        temperature=total("T_SOISNO", FREEZING_POINT),
        liquid_water=total("H2OSOI_LIQ", 0.0),
        ice=total("H2OSOI_ICE", 0.0),
        snow_water=towns.columns("H2OSNO"),
        snow_depth=towns.columns("SNOW_DEPTH"),
        accumulated_snow=towns.columns("INT_SNOW"),
        snow_fraction=towns.columns("frac_sno"),
        snow_melt=towns.columns("qflx_snow_melt"),
        snow_freezing=snow("qflx_snofrz_lyr"),
        grain_radius=snow("snw_rds"),
        aerosol_mass=jnp.stack([snow(name) for name in AEROSOLS]),
        cooling=towns.columns("URBAN_AC"),
        heating=towns.columns("URBAN_HEAT"),
        air_temperature=towns.landunits("taf"),
        air_humidity=towns.landunits("qaf"),
        water_table=towns.roads("ZWT"),
        aquifer_water=towns.roads("WA"),
        perched_table=towns.roads("ZWT_PERCH"),
        frost_table=towns.roads("FROST_TABLE"),
        cosine_zenith=by_surface(towns.columns("coszen"))[0],
        albedo=restart_albedo(towns),
    )


def restart_albedo(towns: Towns) -> UrbanAlbedo:
    """The albedo set of a restart."""
    direct, diffuse = (
        jnp.stack([towns.landunits(f"{name}_{beam}") for name in ABSORBED], axis=1) for beam in ("dir", "dif")
    )
    return UrbanAlbedo(
        absorbed_direct=direct,
        absorbed_diffuse=diffuse,
        albedo_direct=towns.patches("albd"),
        albedo_diffuse=towns.patches("albi"),
    )


def _patches(restart: Restart, column_row: Index) -> Index:
    values = restart.values
    owner = np.searchsorted(restart.rows["column"], values["pfts1d_column_index"] - 1)
    rows = np.full(len(values["cols1d_ityp"]), -1, np.int64)
    rows[owner[::-1]] = np.arange(len(owner))[::-1]
    found = rows[column_row]
    if (found < 0).any():
        raise InputError("a column without a patch", file=restart.path, variable="pfts1d_column_index")
    return found


def _last_axis(values: NDArray[np.generic]) -> Array:
    """Members last."""
    return jnp.asarray(np.ascontiguousarray(np.asarray(values, np.float64).T))
