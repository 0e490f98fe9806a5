"""Tables of snow optics and of the ageing of snow grains, from ELM's files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.atmosphere.forcing import Places
from kiloland.atmosphere.pixels import nearest_pixels
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.land.biophysics.snow_aging import GrainTables
from kiloland.land.biophysics.snow_optics import (
    BANDS,
    RADII,
    SnowOptics,
    grain_class,
    ice_optics,
    particle_optics,
)
from kiloland.run.namelist import find_input, read_groups

BLACK_CARBON_SIZE = 2
"""Class, from 1, of black carbon of radius 100 nm in the modal tables (one class in 50 nm)."""
PARTICLES = ("bc_mam", "bc_mam", "ocphil", "ocphob", "dust01", "dust02", "dust03", "dust04")
"""Suffix of the tables of each species, in the order of the masses."""
DEPOSITION_FIELDS = (
    ("BCPHIDRY",),
    ("BCDEPWET", "BCPHODRY"),
    ("OCPHIDRY",),
    ("OCDEPWET", "OCPHODRY"),
    ("DSTX01DD", "DSTX02DD"),
    ("DSTX03DD", "DSTX04DD"),
    ("DSTX01WD", "DSTX02WD"),
    ("DSTX03WD", "DSTX04WD"),
)
"""Fields of the deposition file that fall on snow as each species in ELM's site mode, whose order of reading
is not the order of their meaning."""
LARGEST_EXTINCTION = 1.0e6
"""m2 kg-1; more is a wrong unit."""


@dataclass(frozen=True)
class SnowFiles:
    """Where the files of a run are."""

    optics: Path
    ageing: Path
    deposition: Path | None
    """Of particles from the air; None where the atmosphere model brings it."""


def find_snow_files(namelist: str | Path, folders: Sequence[Path]) -> SnowFiles:
    """The files that a run's ``lnd_in`` names (``fsnowoptics``, ``fsnowaging``, ``aero_file``).

    Raises:
        InputError: a key or a file is missing.
    """
    groups = read_groups(Path(namelist))
    group = groups.get("elm_inparm", groups.get("clm_inparm", {}))
    found = []
    for key in ("fsnowoptics", "fsnowaging"):
        if key not in group:
            raise InputError("key missing", file=namelist, where=f"elm_inparm: {key}")
        found.append(find_input(str(group[key]), folders))
    named = str(group.get("aero_file", "")).strip()
    return SnowFiles(found[0], found[1], find_input(named, folders) if named else None)


def read_snow_optics(path: str | os.PathLike[str]) -> SnowOptics:
    """Read optical properties in five bands: ice at 1471 radii, modal black carbon, organic carbon, dust.

    Raises:
        InputError: a table is missing, of another shape, or holds values that are none of such a quantity.
    """
    with open_dataset(path) as dataset:
        radii = _table(dataset, "radius_um", (len(RADII),), 0.0, 1e5)
        if not np.array_equal(radii, RADII):
            raise InputError("other radii than 30, 31, ..., 1500 um", file=dataset.path, variable="radius_um")
        direct, diffuse = (
            ice_optics(
                _table(dataset, f"ss_alb_ice_{beam}", (BANDS, len(RADII)), 0.0, 1.0),
                _table(dataset, f"ext_cff_mss_ice_{beam}", (BANDS, len(RADII)), 0.0, LARGEST_EXTINCTION),
            )
            for beam in ("drc", "dfs")
        )
        enhancement = _table(dataset, "bcint_enh_mam", (8, 10, BANDS), 0.0, 1e3)
        return SnowOptics(
            direct=direct,
            diffuse=diffuse,
            particles=particle_optics(
                _particles(dataset, "ss_alb", 1.0),
                _particles(dataset, "ext_cff_mss", LARGEST_EXTINCTION),
                _particles(dataset, "asm_prm", 1.0),
            ),
            enhancement=jnp.asarray(enhancement[:, BLACK_CARBON_SIZE - 1][grain_class()].T),
        )


def _particles(dataset: Dataset, prefix: str, high: float) -> NDArray[np.float64]:
    """A property of all species, ``[species, band]``; black carbon of the assumed size."""
    rows = []
    for suffix in PARTICLES:
        name = f"{prefix}_{suffix}"
        if suffix == "bc_mam":
            rows.append(_table(dataset, name, (10, BANDS), 0.0, high)[BLACK_CARBON_SIZE - 1])
        else:
            rows.append(_table(dataset, name, (BANDS,), 0.0, high))
    return np.stack(rows)


def read_grain_tables(path: str | os.PathLike[str]) -> GrainTables:
    """Read the tables of dry ageing, on temperature (11), its gradient (31) and density (8).

    Raises:
        InputError: a table is missing, of another shape, or not positive.
    """
    with open_dataset(path) as dataset:
        tau, kappa, initial = (
            _table(dataset, name, (11, 31, 8), 0.0, 1e12) for name in ("tau", "kappa", "drdsdt0")
        )
        return GrainTables(
            time=jnp.asarray(tau), exponent=jnp.asarray(kappa), initial_rate=jnp.asarray(initial)
        )


def read_constant_deposition(
    path: str | os.PathLike[str], longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Deposition of each species on some cells (degrees), kg m-2 s-1, ``[species, cell]``, nearest pixel.

    Raises:
        InputError: a field is missing, or deposition varies with time.
    """
    first, varies = read_first_deposition(path, longitude, latitude)
    if varies:
        raise InputError("varies with time", file=Path(path), variable=varies)
    return first


def read_first_deposition(
    path: str | os.PathLike[str], longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> tuple[NDArray[np.float64], str]:
    """The first sample of the same, and the name of a field that varies with time; empty if none does."""
    varies = ""
    with open_dataset(path) as dataset:
        pixels = nearest_pixels(dataset, Places(longitude, latitude))
        total = []
        for names in DEPOSITION_FIELDS:
            species = np.zeros(len(longitude))
            for name in names:
                variable = dataset[name]
                values = pixels.index.read(variable, 0, variable.shape[0])
                if not varies and np.any(values != values[0]):
                    varies = name
                species = species + pixels.at_places(values[0])
            total.append(species)
        return np.stack(total), varies


def _table(
    dataset: Dataset, name: str, shape: tuple[int, ...], low: float, high: float
) -> NDArray[np.float64]:
    """A table, checked for shape and range."""
    values = np.asarray(dataset[name].read(), np.float64)
    if values.shape != shape:
        raise InputError(
            "is of another shape", file=dataset.path, variable=name, found=values.shape, expected=shape
        )
    wrong = ~np.isfinite(values) | (values < low) | (values > high)
    if wrong.any():
        place = tuple(int(axis) for axis in np.argwhere(wrong)[0])
        raise InputError(
            "out of range",
            file=dataset.path,
            variable=name,
            where=str(place),
            found=float(values[place]),
            expected=f"{low} to {high}",
        )
    return values
