"""Plant parameters from ELM's parameter file (`paramfile` of the namelist)."""

from __future__ import annotations

import os

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.land.parameters import Parameters, VegetationOptics, VegetationStructure

Values = NDArray[np.float64]

DIMENSION = "pft"
FRACTION_UNITS = frozenset({"fraction", "unitless", "1", "-"})
"""Spellings of a number without unit."""
FLAG_UNITS = FRACTION_UNITS | {"logical flag"}
LENGTH_UNITS = frozenset({"m"})
LARGEST_LEAF = 10.0
"""m; a wider leaf is a wrong unit."""


def read_parameters(path: str | os.PathLike[str]) -> Parameters:
    """Read the parameters of all plant types in a file, in its order (0 is bare ground).

    Needed variables, all on dimension `pft`: `xl`; `rhol`, `taul`, `rhos`, `taus`, each with `vis` and
    `nir` appended; `z0mr`, `displar`, `dleaf`, `woody`; and the names `pftname`.

    Raises `InputError` naming file, variable and plant type: a missing variable, another dimension or
    unit, missing or non-finite entries, a value outside its range, reflectance and transmittance that sum
    to 1 or more.
    """
    with open_dataset(path) as dataset:
        names = _type_names(dataset)
        reader = _Reader(dataset, names)
        optics = VegetationOptics(
            leaf_angle_index=jnp.asarray(reader.read("xl", FRACTION_UNITS, -1.0, 1.0)),
            leaf_reflectance=jnp.asarray(reader.bands("rhol")),
            leaf_transmittance=jnp.asarray(reader.bands("taul")),
            stem_reflectance=jnp.asarray(reader.bands("rhos")),
            stem_transmittance=jnp.asarray(reader.bands("taus")),
        )
        reader.check_scattering("rhol", "taul")
        reader.check_scattering("rhos", "taus")
        structure = VegetationStructure(
            roughness_ratio=jnp.asarray(reader.read("z0mr", FRACTION_UNITS, 0.0, 1.0)),
            displacement_ratio=jnp.asarray(reader.read("displar", FRACTION_UNITS, 0.0, 1.0)),
            leaf_width=jnp.asarray(reader.read("dleaf", LENGTH_UNITS, 0.0, LARGEST_LEAF)),
            woodiness=jnp.asarray(reader.read("woody", FLAG_UNITS, 0.0, 2.0)),
        )
    return Parameters(optics=optics, structure=structure, type_names=names)


def read_largest_drainage(path: str | os.PathLike[str]) -> float:
    """Bound on the base drainage of all columns, kg m-2 s-1 (`rsub_top_globalmax`, 10 where absent)."""
    with open_dataset(path) as dataset:
        if "rsub_top_globalmax" not in dataset:
            return 10.0
        value = float(np.asarray(dataset["rsub_top_globalmax"].read()).ravel()[0])
        if not 0.0 <= value < np.inf:
            raise InputError(
                "out of range",
                file=dataset.path,
                variable="rsub_top_globalmax",
                found=value,
                expected="0 or more, in mm s-1",
            )
        return value


class _Reader:
    """Reads and checks variables on the plant-type dimension of one file."""

    def __init__(self, dataset: Dataset, names: tuple[str, ...]) -> None:
        self.dataset = dataset
        self.names = names

    def read(self, name: str, units: frozenset[str], low: float, high: float) -> Values:
        """Values by plant type, checked for dimension, unit and range; an empty unit is not an error."""
        variable = self.dataset[name]
        if variable.dims != (DIMENSION,):
            raise InputError(
                "is on other dimensions",
                file=self.dataset.path,
                variable=name,
                found=variable.dims,
                expected=(DIMENSION,),
            )
        found = str(variable.attributes.get("units", "")).strip()
        if found and found not in units:
            raise InputError(
                "has another unit",
                file=self.dataset.path,
                variable=name,
                found=found,
                expected=" or ".join(sorted(units)),
            )
        values = variable.values().astype(np.float64)
        self._refuse(name, ~np.isfinite(values), values, "is missing", "a number")
        self._refuse(name, (values < low) | (values > high), values, "out of range", f"{low} to {high}")
        return values

    def bands(self, name: str) -> Values:
        """A fraction in the visible and the near-infrared band."""
        return np.stack([self.read(name + band, FRACTION_UNITS, 0.0, 1.0) for band in ("vis", "nir")])

    def check_scattering(self, reflectance: str, transmittance: str) -> None:
        """Leaves and stems must absorb something: reflectance + transmittance < 1."""
        for band in ("vis", "nir"):
            total = self.read(reflectance + band, FRACTION_UNITS, 0.0, 1.0)
            total = total + self.read(transmittance + band, FRACTION_UNITS, 0.0, 1.0)
            name = f"{reflectance}{band}+{transmittance}{band}"
            self._refuse(name, total >= 1.0, total, "reflects and transmits all light", "below 1")

    def _refuse(
        self, name: str, wrong: NDArray[np.bool_], values: Values, problem: str, expected: str
    ) -> None:
        if wrong.any():
            index = int(np.argmax(wrong))
            raise InputError(
                problem,
                file=self.dataset.path,
                variable=name,
                where=f"plant type {index} ({self.names[index]})",
                found=float(values[index]),
                expected=expected,
            )


def _type_names(dataset: Dataset) -> tuple[str, ...]:
    stored = dataset["pftname"].read()
    return tuple(b"".join(row.tolist()).split(b"\0")[0].decode("ascii", "replace").strip() for row in stored)
