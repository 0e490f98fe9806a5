"""The decomposition cascade of ELM (CTC, eight pools) as data, and its ten layers.

Order of pools: litter 1 (labile), 2 (cellulose), 3 (lignin), coarse woody debris, soil 1 to 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.land.vertical import SOIL_LAYERS, ground_grid

POOLS = ("litr1", "litr2", "litr3", "cwd", "soil1", "soil2", "soil3", "soil4")
"""Names of the pools as in restart variables: ``litr1c_vr``; upper case in history fields: ``LITR1C_vr``."""
LITR1, LITR2, LITR3, CWD, SOIL1, SOIL2, SOIL3, SOIL4 = range(8)
ATMOSPHERE = -1
TRANSITIONS = (
    (LITR1, SOIL1),
    (LITR2, SOIL2),
    (LITR3, SOIL3),
    (SOIL1, SOIL2),
    (SOIL2, SOIL3),
    (SOIL3, SOIL4),
    (SOIL4, ATMOSPHERE),
    (CWD, LITR2),
    (CWD, LITR3),
)
"""Donor and receiver of each transition."""
DOWNSTREAM = (LITR1, CWD, LITR2, LITR3, SOIL1, SOIL2, SOIL3, SOIL4)
"""Pools so ordered that each comes after all that feed it."""
MIXED = (LITR1, LITR2, LITR3, SOIL1, SOIL2, SOIL3, SOIL4)
"""Pools that move between layers; woody debris stays where it falls."""
LAYERS = SOIL_LAYERS
SECONDS_PER_DAY = 86400.0
SECONDS_PER_YEAR = 365.0 * SECONDS_PER_DAY
"""ELM's calendar has no leap days."""
_RATES = ("k_l1", "k_l2", "k_l3", "k_frag", "k_s1", "k_s2", "k_s3", "k_s4")
_RESPIRED = ("rf_l1s1", "rf_l2s2", "rf_l3s3", "rf_s1s2", "rf_s2s3", "rf_s3s4")
_SOIL_CARBON_TO_NITROGEN = ("cn_s1", "cn_s2", "cn_s3", "cn_s4")
_SOIL_NITROGEN_TO_PHOSPHORUS = ("np_s1_new", "np_s2_new", "np_s3_new", "np_s4_new")
_LITTER_CARBON_TO_PHOSPHORUS = (900.0, 900.0, 900.0, 5000.0)
"""What ELM demands of matter that enters litter or wood, gC gP-1; fixed in its source."""


@dataclass(frozen=True)
class Layers:
    """The ten decomposition layers, the same in every column."""

    node: NDArray[np.float64]
    """Depth of the nodes, m."""
    thickness: NDArray[np.float64]
    """m."""
    interface: NDArray[np.float64]
    """Depth of the eleven interfaces, m; the first is the surface."""

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Distance of neighbouring nodes, m, of the nine interfaces between layers."""
        return np.diff(self.node)


@dataclass(frozen=True)
class Cascade:
    """Constants of the cascade from a parameter file; arrays over pools or transitions."""

    rate: NDArray[np.float64]
    """Decomposition constant of each pool without scalars, day-1."""
    respired: NDArray[np.float64]
    """Share of a transition's carbon that is respired."""
    path: NDArray[np.float64]
    """Share of the donor's loss that takes a transition."""
    carbon_to_nitrogen: NDArray[np.float64]
    """gC gN-1 of the soil pools; NaN where it floats (litter, wood)."""
    carbon_to_phosphorus: NDArray[np.float64]
    """gC gP-1 demanded of matter that enters a pool; the pools' own ratio floats."""

    @property
    def acceleration(self) -> NDArray[np.float64]:
        """Factor of accelerated decomposition: max(1, 1 / (365 k)); wood max(1, 0.5 / (365 k))."""
        turnover = np.where(np.arange(len(POOLS)) == CWD, 0.5, 1.0)
        return np.maximum(1.0, turnover / (365.0 * self.rate))

    def step_rate(self, timestep: float) -> NDArray[np.float64]:
        """ELM's discrete constant of each pool, s-1: (1 - exp(-k dt)) / dt with `timestep` in s."""
        days = timestep / SECONDS_PER_DAY
        loss: NDArray[np.float64] = -np.expm1(-self.rate * days) / timestep
        return loss


def layers() -> Layers:
    """The decomposition layers: the upper ten of ELM's ground grid."""
    ground = ground_grid()
    return Layers(
        node=np.asarray(ground.node[:LAYERS]),
        thickness=np.asarray(ground.thickness[:LAYERS]),
        interface=np.asarray(ground.interface[: LAYERS + 1]),
    )


def read_cascade(path: str | Path) -> Cascade:
    """The cascade of a parameter file (``clm_params``), which may be gzipped.

    Raises:
        InputError: a constant is absent, not finite or out of range.
    """
    with open_dataset(path) as dataset:
        respired = [_constant(dataset, path, name) for name in _RESPIRED]
        nitrogen = _positive(dataset, path, _SOIL_CARBON_TO_NITROGEN)
        ratio = _positive(dataset, path, _SOIL_NITROGEN_TO_PHOSPHORUS)
        wood = [_constant(dataset, path, name) for name in ("cwd_fcel", "cwd_flig")]
        return Cascade(
            rate=_positive(dataset, path, _RATES),
            respired=np.array([*respired, 1.0, 0.0, 0.0]),
            path=np.array([1.0] * 7 + wood),
            carbon_to_nitrogen=np.concatenate([np.full(4, np.nan), nitrogen]),
            carbon_to_phosphorus=np.concatenate([_LITTER_CARBON_TO_PHOSPHORUS, nitrogen * ratio]),
        )


def _positive(dataset: Dataset, path: str | Path, names: tuple[str, ...]) -> NDArray[np.float64]:
    return np.array([_constant(dataset, path, name, positive=True) for name in names])


def _constant(dataset: Dataset, path: str | Path, name: str, positive: bool = False) -> float:
    """A single number of the parameter file; fractions lie in 0..1, others are positive."""
    if name not in dataset:
        raise InputError(
            "the parameter file lacks a constant of the decomposition cascade",
            file=path,
            variable=name,
            hint="give the parameter file of the run (paramfile in lnd_in)",
        )
    value = float(np.ravel(dataset[name].values())[0])
    good = np.isfinite(value) and (value > 0.0 if positive else 0.0 <= value <= 1.0)
    if not good:
        expected = "a positive number" if positive else "a fraction"
        raise InputError("a constant out of range", file=path, variable=name, found=value, expected=expected)
    return value
