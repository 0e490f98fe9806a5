"""Traits of the plant types, from ELM's default parameter file (``traits.csv``)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from kiloland.spinup.generator.climate import FloatArray


@dataclass(frozen=True)
class Trait:
    """One trait of the 17 plant types."""

    units: str
    long_name: str
    values: FloatArray


@cache
def read_traits() -> Mapping[str, Trait]:
    """All traits by ELM's name."""
    text = resources.files("kiloland.spinup.generator").joinpath("traits.csv").read_text(encoding="utf-8")
    return {
        row["name"]: Trait(
            row["units"], row["long_name"], np.array([float(row[str(kind)]) for kind in range(17)])
        )
        for row in csv.DictReader(text.splitlines())
    }


def trait(name: str) -> FloatArray:
    """Values of one trait for the plant types 0 to 16."""
    return read_traits()[name].values


SOIL_ORDERS: Mapping[str, FloatArray] = {
    "smax": np.array([100, 145, 75, 75, 80, 100, 100, 100, 75, 80, 100, 133, 133, 100, 100, 100.0]),
    "ks_sorption": np.array([60, 75, 45, 45, 60, 60, 60, 60, 60, 60, 60, 64, 64, 60, 60, 60.0]),
    "r_weather": np.array([0, 8, 4, 4, 8, 8, 8, 8, 8, 8, 8, 1.5, 1.5, 8, 8, 0]) * 1e-5,
    "r_adsorp": np.full(16, 0.003),
    "r_desorp": np.full(16, 0.0004),
    "r_occlude": np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1]) * 2e-4,
    "k_s1_biochem": np.zeros(16),
    "k_s2_biochem": np.zeros(16),
    "k_s3_biochem": np.zeros(16),
    "k_s4_biochem": np.zeros(16),
    "r_mort_soilorder": np.full(16, 0.02),
}
"""Soil-order parameters, gP m-3 and month-1; sorption after Wang et al. 2010 and Yang et al. 2014."""


def daily(monthly: FloatArray) -> FloatArray:
    """Share per day of a share per month of 30 days."""
    return np.asarray(1.0 - np.exp(np.log1p(-monthly) / 30.0))
