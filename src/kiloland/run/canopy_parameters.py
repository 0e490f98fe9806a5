"""Parameters of leaves, stomata and roots from ELM's parameter file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.land.biophysics.leaf_capacity import LeafTraits
from kiloland.land.biophysics.soil_moisture_stress import RootTraits
from kiloland.run.namelist import read_groups

DIMENSION = "pft"
STRESS_TEMPERATURE = "tc_stress"
LEAF_VARIABLES = {
    "c3": "c3psn",
    "rubisco_nitrogen": "flnr",
    "rubisco_mass": "fnr",
    "rubisco_activity": "act25",
    "leaf_carbon_nitrogen": "leafcn",
    "specific_leaf_area": "slatop",
    "quantum_efficiency": "qe",
    "colimitation": "theta_cj",
    "minimum_conductance": "bbbopt",
    "conductance_slope": "mbbopt",
    "michaelis_carbon_energy": "kcha",
    "michaelis_oxygen_energy": "koha",
    "compensation_energy": "cpha",
    "carboxylation_energy": "vcmaxha",
    "transport_energy": "jmaxha",
    "product_energy": "tpuha",
    "respiration_energy": "lmrha",
    "carboxylation_deactivation": "vcmaxhd",
    "transport_deactivation": "jmaxhd",
    "product_deactivation": "tpuhd",
    "respiration_deactivation": "lmrhd",
    "respiration_entropy": "lmrse",
}
"""Field of the traits and its variable in the file."""
ROOT_VARIABLES = {
    "upper_decay": "roota_par",
    "lower_decay": "rootb_par",
    "open_potential": "smpso",
    "closed_potential": "smpsc",
}


@dataclass(frozen=True)
class CanopyParameters:
    """Traits over plant types, and the soil temperature (C) at and below which roots take up nothing."""

    leaf: LeafTraits
    roots: RootTraits
    stress_temperature: float


def read_canopy_parameters(path: str | os.PathLike[str]) -> CanopyParameters:
    """Read the traits of all plant types of ELM's parameter file, in its order (0 is bare ground).

    Raises `InputError`: a variable is missing, not on the dimension `pft`, or not finite.
    """
    with open_dataset(path) as dataset:
        return CanopyParameters(
            leaf=LeafTraits(**{field: _by_type(dataset, name) for field, name in LEAF_VARIABLES.items()}),
            roots=RootTraits(**{field: _by_type(dataset, name) for field, name in ROOT_VARIABLES.items()}),
            stress_temperature=float(np.asarray(dataset[STRESS_TEMPERATURE].read()).ravel()[0]),
        )


def read_carbon_dioxide_share(lnd_in: str | os.PathLike[str]) -> float:
    """CO2 of the air as a share of its pressure, from ELM's namelist (`co2_ppmv`).

    Raises `InputError`: not a namelist, the key is missing or not between 0 and 1e6 ppmv.
    """
    path = Path(lnd_in)
    found = read_groups(path).get("elm_inparm", {}).get("co2_ppmv")
    if not isinstance(found, int | float) or not 0.0 < found < 1.0e6:
        raise InputError(
            "no share of CO2", file=path, where="elm_inparm: co2_ppmv", found=found, expected="0 to 1e6 ppmv"
        )
    return float(found) * 1.0e-6


def _by_type(dataset: Dataset, name: str) -> Array:
    variable = dataset[name]
    if variable.dims != (DIMENSION,):
        raise InputError(
            "is on other dimensions",
            file=dataset.path,
            variable=name,
            found=variable.dims,
            expected=(DIMENSION,),
        )
    values = variable.values().astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(
            "is missing",
            file=dataset.path,
            variable=name,
            where=f"plant type {int(np.argmin(np.isfinite(values)))}",
            expected="a number",
        )
    return jnp.asarray(values)
