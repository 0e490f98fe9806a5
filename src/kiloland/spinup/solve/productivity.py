"""Productivity under nitrogen limitation, from the losses of nitrogen that a run shows itself.

ELM's accelerated spinup starts with years in which all nutrients are supplied, then nitrogen limits. Let g be
net primary production over that of the supplied years and L the loss of mineral nitrogen by denitrification
and leaching. What plants leave unused is lost, so that the less they want the more is lost, and

    (1 - g) L = c

with c a constant of the column, measured in the limited years: it stays within about 20 % in ELM's own runs
while L changes several times (docs/spinup_solve.md). With dN/dt the growth of the nitrogen stock of soil,
litter and plants the balance L = deposition + fixation(g) - dN/dt then gives g. In accelerated years soil
organic matter still takes up nitrogen; in equilibrium it does not, so that more is left for plants.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.cascade import SECONDS_PER_YEAR
from kiloland.spinup.operator.source import YEAR_OF_SCALARS, Source

Float = NDArray[np.float64]

_LOSSES = ("DENIT", "SMIN_NO3_LEACHED", "SMIN_NO3_RUNOFF")
_FIXATION_FIELD, _DEPOSITION_FIELD = "NFIX_TO_SMINN", "NDEP_TO_SMINN"
"""Deposition falls on the whole cell alike; the other fields count as zero where there is no soil."""
_FIXATION = 0.003
"""ELM's fixation saturates as 1 - exp(-0.003 NPP), NPP in gC m-2 yr-1."""
_LEAST, _MOST = 0.3, 0.98
_FLOOR = 0.1
"""Losses never fall below this share of the input."""
_ROUNDS = 30
_BARE = 1.0
"""gC m-2 yr-1: below this a column counts as bare."""


@dataclass(frozen=True)
class Limitation:
    """What the limited years of a run say, by column; SI units, seconds.

    ``unlimited``: NPP of the supplied years; ``window``: what vegetation gave to litter and fire in the years
    of the operator, which in equilibrium is NPP; ``product``: c of
    the law, gN m-2 s-1; ``deposition``; ``fixation`` and the NPP ``limited`` at which it was measured.
    ``known``: where the law can be used.
    """

    unlimited: Float
    window: Float
    limited: Float
    product: Float
    deposition: Float
    fixation: Float
    known: NDArray[np.bool_]

    def ratio(self, storage: Float) -> Float:
        """Litter input over that of the operator's years, `storage` the nitrogen stored, gN m-2 s-1.

        Plants in balance. One where the run does not tell: without supplied or limited years, on bare ground.
        """
        share = np.where(self.known, self.limited / np.where(self.known, self.unlimited, 1.0), 1.0)
        for _ in range(_ROUNDS):
            npp = share * self.unlimited
            fixed = self.fixation * saturation(npp) / np.maximum(saturation(self.limited), 1e-9)
            supply = self.deposition + fixed
            loss = np.maximum(supply - storage, _FLOOR * supply)
            wanted = 1.0 - self.product / np.where(loss > 0.0, loss, 1.0)
            share = 0.5 * share + 0.5 * np.clip(wanted, _LEAST, _MOST)
        made = share * self.unlimited / np.where(self.known, self.window, 1.0)
        return np.where(self.known, made, 1.0)


def saturation(npp: Float) -> Float:
    """Dependence of fixation on NPP (gC m-2 s-1)."""
    return np.asarray(-np.expm1(-_FIXATION * np.maximum(npp, 0.0) * SECONDS_PER_YEAR), np.float64)


def read_limitation(source: Source, block: slice, given: Float) -> Limitation:
    """The limitation of columns, with `given` the litter and wood input of the operator, gC m-2 s-1.

    Nothing is known where the history has no supplied or no limited years.
    """
    window = source.window
    columns = len(range(*block.indices(source.columns)))
    limited = tuple(year for year in window.years if year < YEAR_OF_SCALARS or not source.accelerated)
    supplied = window.supplemented
    nothing = np.zeros(columns)
    names = (*_LOSSES, _FIXATION_FIELD, _DEPOSITION_FIELD, "NPP")
    if not (limited and supplied and source.records.holds(*names)):
        none = np.zeros(columns, bool)
        return Limitation(nothing, nothing, nothing, nothing, nothing, nothing, none)
    cycle = window.cycle or len(limited)
    limited, supplied = limited[-cycle:], supplied[-(window.cycle or min(5, len(supplied))) :]

    def mean(name: str, years: tuple[int, ...]) -> Float:
        return np.asarray(source.amount(name, block, years).mean(axis=0), np.float64)

    full, part = mean("NPP", supplied), mean("NPP", limited)
    loss = sum((mean(name, limited) for name in _LOSSES), nothing)
    fixation = mean(_FIXATION_FIELD, limited)
    deposited = np.asarray(source.intensive(_DEPOSITION_FIELD, block, limited).mean(axis=0), np.float64)
    known = (full * SECONDS_PER_YEAR > _BARE) & (part > 0.0) & (loss > 0.0) & (given > 0.0)
    deficit = np.clip(1.0 - part / np.where(known, full, 1.0), 1.0 - _MOST, 1.0 - _LEAST)
    burned = mean("PFT_FIRE_CLOSS", window.years) if source.records.holds("PFT_FIRE_CLOSS") else nothing
    return Limitation(full, given + burned, part, deficit * loss, deposited, fixation, known)
