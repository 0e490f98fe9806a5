"""What equilibrium means: the fields that are looked at, and how much each may change in a year.

CTSM's limits (``SpinupStability_BGC``) are for the globe: 0.02 PgC yr-1 of ecosystem, soil and vegetation
carbon and of GPP, 0.02 yr-1 of leaf area, 0.001 m yr-1 of water, 1 mm yr-1 of snow, and less than 3 % of the
land with more than 1 gC m-2 yr-1 of ecosystem carbon. A sum of carbon says nothing for a small domain: one
cell is always below 0.02 PgC. So the mean per area is held against the limit per area of the globe's land,

    0.02 PgC yr-1 / 1.48e14 m2 = 0.135 gC m-2 yr-1,

and both must be met. For the globe both are the same. Net exchange: 0.1 PgC yr-1, 0.676 gC m-2 yr-1 (common
practice; CTSM has no limit of it). For N and P nobody has published limits: they may drift as little as
carbon in relative terms, limit = limit of carbon * stock of the element / stock of carbon. Ecosystem P is
shown and does not decide: its mineral pools have no steady state, only slow weathering and occlusion.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

GLOBAL_LAND: Final = 1.48e14
"""Land of the Earth (m2)."""
PETAGRAM: Final = 1.0e15
SECONDS_PER_YEAR: Final = 365.0 * 86400.0
LAND_SHARE: Final = 0.03
"""Largest share of land that may drift more than ``CELL_DRIFT``."""
CELL_DRIFT: Final = 1.0
"""Drift of ecosystem carbon (gC m-2 yr-1) above which a cell is not in equilibrium."""
EXCHANGE_LEVELS: Final = (0.1, 0.05, 0.02)
"""Levels of global net exchange (PgC yr-1) that publications use."""


class Kind(Enum):
    """What of a field must be small."""

    DRIFT = "drift"
    """Its change from one forcing cycle to the next, per year."""
    VALUE = "value"
    """Itself, averaged over the last cycle."""


@dataclass(frozen=True)
class Criterion:
    """One field and its limit.

    ``factor``: from the field's units to those of the limit (g m-2, g m-2 yr-1, m2 m-2, mm). ``limit``: of
    the area's mean. ``total``: limit of the sum over the land (PgC yr-1), where there is one. ``like``: the
    carbon field whose relative drift gives the limit.
    """

    field: str
    units: str
    shown: str
    kind: Kind
    limit: float | None
    total: float | None = None
    factor: float = 1.0
    like: str | None = None
    decides: bool = True
    needed: bool = False


def per_area(petagrams: float) -> float:
    """A global limit (PgC yr-1) per area of land (g m-2 yr-1)."""
    return petagrams * PETAGRAM / GLOBAL_LAND


CARBON: Final = 0.02
EXCHANGE: Final = 0.1
_STOCK, _FLUX = "gC/m^2", "gC/m^2/s"

CRITERIA: Final = (
    Criterion(
        "NEE",
        _FLUX,
        "gC m-2 yr-1",
        Kind.VALUE,
        per_area(EXCHANGE),
        EXCHANGE,
        SECONDS_PER_YEAR,
        needed=True,
    ),
    Criterion("TOTECOSYSC", _STOCK, "gC m-2 yr-1", Kind.DRIFT, per_area(CARBON), CARBON, needed=True),
    Criterion("TOTSOMC", _STOCK, "gC m-2 yr-1", Kind.DRIFT, per_area(CARBON), CARBON, needed=True),
    Criterion("TOTVEGC", _STOCK, "gC m-2 yr-1", Kind.DRIFT, per_area(CARBON), CARBON, needed=True),
    Criterion("TOTECOSYSN", "gN/m^2", "gN m-2 yr-1", Kind.DRIFT, None, like="TOTECOSYSC"),
    Criterion("TOTSOMN", "gN/m^2", "gN m-2 yr-1", Kind.DRIFT, None, like="TOTSOMC"),
    Criterion("TOTVEGN", "gN/m^2", "gN m-2 yr-1", Kind.DRIFT, None, like="TOTVEGC"),
    Criterion("TOTECOSYSP", "gP/m^2", "gP m-2 yr-1", Kind.DRIFT, None, like="TOTECOSYSC", decides=False),
    Criterion("TOTSOMP", "gP/m^2", "gP m-2 yr-1", Kind.DRIFT, None, like="TOTSOMC"),
    Criterion("TOTVEGP", "gP/m^2", "gP m-2 yr-1", Kind.DRIFT, None, like="TOTVEGC"),
    Criterion(
        "GPP", _FLUX, "gC m-2 yr-2", Kind.DRIFT, per_area(CARBON), CARBON, SECONDS_PER_YEAR, needed=True
    ),
    Criterion("TLAI", "1", "yr-1", Kind.DRIFT, 0.02),
    Criterion("TWS", "mm", "mm yr-1", Kind.DRIFT, 1.0),
    Criterion("H2OSNO", "mm", "mm yr-1", Kind.DRIFT, 1.0),
)
"""Every criterion besides the share of land."""

SAME_UNITS: Final = {
    "gC/m2": "gC/m^2",
    "gN/m2": "gN/m^2",
    "gP/m2": "gP/m^2",
    "gC/m2/s": "gC/m^2/s",
    "m^2/m^2": "1",
    "m2/m2": "1",
    "none": "1",
    "kg/m2": "mm",
}
"""Other spellings of units."""


def namelist_line(fields: list[str]) -> str:
    """The line of ``user_nl_elm`` that adds fields to the first tape."""
    return "hist_fincl1 = " + ", ".join(f"'{name}'" for name in fields)
