"""History fields that each quality of the operator needs."""

from __future__ import annotations

from kiloland.spinup.cascade import ATMOSPHERE, POOLS, TRANSITIONS

UPPER = tuple(pool.upper() for pool in POOLS)
"""Names of the pools as in history fields."""
CARBON = tuple(f"{pool}C_vr" for pool in UPPER)
RATES = tuple(f"K_{pool}" for pool in UPPER)
SCALARS = ("T_SCALAR", "W_SCALAR", "O_SCALAR")
RESPIRATION = tuple("" if pool == "CWD" else f"{pool}_HR" for pool in UPPER)
"""Respiration of each pool; woody debris has none. Column totals; with `_vr` the layers."""
TRANSFERS = tuple(
    "" if receiver == ATMOSPHERE else f"{UPPER[donor]}C_TO_{UPPER[receiver]}C"
    for donor, receiver in TRANSITIONS
)
"""Transfer of each transition; that to the atmosphere is respiration. Column totals; with `_vr` layers."""
FIRE = tuple(f"M_{pool}C_TO_FIRE_vr" for pool in UPPER[:4])
TRANSPORT = tuple("" if pool == "CWD" else f"{pool}C_TNDNCY_VERT_TRANS" for pool in UPPER)

LAYERED = (*CARBON, *SCALARS, "FPI_vr", "FPI_P_vr")
"""What both qualities need."""
FULL_ONLY = (
    *RATES,
    *(f"{name}_vr" for name in (*RESPIRATION, *TRANSFERS) if name),
    *(name for name in TRANSPORT if name),
    *FIRE,
)
FULL = (*LAYERED, "HR_vr", *FULL_ONLY)
TOTALS = (
    *(name for name in RESPIRATION if name),
    *(name for name in TRANSFERS if name),
)
DEFAULT = (*LAYERED, *TOTALS)
"""ELM's default fields that make an operator."""
TWINS = tuple(f"{pool}{element}_vr" for pool in UPPER[:4] for element in "NP")
"""Nitrogen and phosphorus of litter and wood."""
LIMITATION = (
    "NPP",
    "FPG",
    "FPI",
    "DENIT",
    "SMIN_NO3_LEACHED",
    "SMIN_NO3_RUNOFF",
    "NFIX_TO_SMINN",
    "NDEP_TO_SMINN",
)
"""What tells how nitrogen limits productivity."""
OTHER = ("GPP", "HR", "TBOT", "QDRAI", "SOILLIQ", "PDEP_TO_SMINP", "FAREA_BURNED", "PFT_FIRE_CLOSS")
"""Forcing cycle, leaching and deposition of phosphorus, fire."""


def namelist_lines() -> str:
    """Lines for ``user_nl_elm`` that make a history with everything that quality `full` reads."""
    names = [*FULL, *TWINS, *LIMITATION, *OTHER]
    listed = ",".join(f"'{name}'" for name in names)
    return f"hist_fincl1 = {listed}\nhist_nhtfrq = -8760\nhist_mfilt = 20"
