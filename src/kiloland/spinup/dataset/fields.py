"""Which of ELM's variables belong to the five input groups, and the namelist lines that ask for them."""

from __future__ import annotations

from typing import Final

from kiloland.spinup.operator.fields import FULL
from kiloland.spinup.tables import CASCADE, POOLS, Element, Group, Pool

PLANT_TYPES: Final = 17
"""Slots of plant types; the slot is ELM's number of the type (``itypveg``), never a place in a list."""
MONTHS: Final = 12

STATE_POOLS: Final[tuple[Pool, ...]] = tuple(
    pool for pool in POOLS.values() if pool.group not in (Group.TRUNCATION, Group.PRODUCT)
)
"""Pools of a data set: all but products and the balances of rounding."""
LAYER_POOLS: Final = tuple(pool.name for pool in STATE_POOLS if pool.layered)
PATCH_POOLS: Final = tuple(pool.name for pool in STATE_POOLS if pool.on_patches)

FORCING: Final = ("TBOT", "FSDS", "RAIN", "SNOW", "QBOT", "PBOT", "FLDS")
"""Monthly means of the weather."""

LAYER_FLUXES: Final = (
    "T_SCALAR",
    "W_SCALAR",
    "O_SCALAR",
    "FPI_vr",
    "FPI_P_vr",
    "HR_vr",
    "TSOI",
    "H2OSOI",
    "POTENTIAL_IMMOB_vr",
    "ACTUAL_IMMOB_vr",
    "GROSS_NMIN_vr",
    "SMINN_TO_PLANT_vr",
    "SMINP_TO_PLANT_vr",
    "SOM_DIFFUS_COEF",
    *(f"K_{pool.upper()}" for pool in CASCADE),
)
"""Annual means in layers."""

CELL_FLUXES: Final = (
    "GPP",
    "NPP",
    "AR",
    "HR",
    "LITFALL",
    "VEGC_TO_CWDC",
    "NDEP_TO_SMINN",
    "PDEP_TO_SMINP",
    "NFIX_TO_SMINN",
    "DENIT",
    "SMIN_NO3_LEACHED",
    "SMINP_LEACHED",
    "SUPPLEMENT_TO_SMINP",
    "FPG",
    "FPG_P",
    "FPI",
    "FPI_P",
    "FAREA_BURNED",
    "COL_FIRE_CLOSS",
    "DECOMP_FIRE_CLOSS",
    "QRUNOFF",
    "TOTVEGC",
    "TOTSOMC",
)
"""Annual means of cells."""

PATCH_FLUXES: Final = (
    "GPP",
    "NPP",
    "AR",
    "MR",
    "LITFALL",
    "LEAFC_TO_LITTER",
    "FROOTC_TO_LITTER",
    "M_DEADSTEMC_TO_LITTER",
    "M_DEADCROOTC_TO_LITTER",
    "M_DEADSTEMC_TO_LITTER_FIRE",
    "M_DEADROOTC_TO_LITTER_FIRE",
    "PLANT_NDEMAND",
    "PLANT_PDEMAND",
    "DOWNREG",
    "TLAI",
    "TOTVEGC",
    "DEADSTEMC",
    "DEADCROOTC",
)
"""Annual means of patches."""

PATCH_TENDENCIES: Final = ("TOTVEGC", "DEADSTEMC", "DEADCROOTC", "NPP")
"""Patch fields whose change per second over the years of the tape is kept as well."""

SURFACE_CELL: Final = (
    "LABILE_P",
    "SECONDARY_P",
    "OCCLUDED_P",
    "APATITE_P",
    "SOIL_ORDER",
    "FMAX",
)
SURFACE_LAYERS: Final = ("PCT_SAND", "PCT_CLAY", "ORGANIC")

TRAITS: Final = (
    "deadwdcn",
    "frootcn",
    "leafcn",
    "lflitcn",
    "livewdcn",
    "c3psn",
    "croot_stem",
    "dsladlai",
    "evergreen",
    "fcur",
    "flivewd",
    "flnr",
    "fr_flab",
    "fr_flig",
    "froot_leaf",
    "grperc",
    "leaf_long",
    "lf_flab",
    "lf_flig",
    "roota_par",
    "rootb_par",
    "season_decid",
    "slatop",
    "stem_leaf",
    "stress_decid",
    "woody",
)
"""Traits of plant types from the parameter file."""

OPTIONAL: Final = frozenset(
    {
        "FMAX",
        "ORGANIC",
        "AR",
        "MR",
        "FPG_P",
        "FPI_P",
        "FPI_P_vr",
        "QRUNOFF",
        "SUPPLEMENT_TO_SMINP",
        "NFIX_TO_SMINN",
        "PLANT_NDEMAND",
        "PLANT_PDEMAND",
        "DOWNREG",
        "DENIT",
        "SMINP_LEACHED",
        "SMIN_NO3_LEACHED",
        "PDEP_TO_SMINP",
        "GROSS_NMIN_vr",
        "POTENTIAL_IMMOB_vr",
        "ACTUAL_IMMOB_vr",
        "SMINN_TO_PLANT_vr",
        "SMINP_TO_PLANT_vr",
        "SOM_DIFFUS_COEF",
        "TSOI",
        "H2OSOI",
        "HR_vr",
        "FAREA_BURNED",
        "COL_FIRE_CLOSS",
        "DECOMP_FIRE_CLOSS",
        "M_DEADSTEMC_TO_LITTER_FIRE",
        "M_DEADROOTC_TO_LITTER_FIRE",
        "VEGC_TO_CWDC",
    }
)
"""Fields that a data set may lack; a network that was trained with one still asks for it."""


def namelist_lines() -> str:
    """Lines of ``user_nl_elm`` for the three history tapes that the network and its operator read.

    >>> namelist_lines().splitlines()[0]
    'hist_nhtfrq = -8760, -8760, 0'
    """

    def quoted(names: tuple[str, ...]) -> str:
        return ", ".join(f"'{name}'" for name in names)

    return "\n".join(
        [
            "hist_nhtfrq = -8760, -8760, 0",
            "hist_mfilt = 20, 20, 240",
            "hist_dov2xy = .true., .false., .true.",
            f"hist_fincl1 = {quoted(tuple(dict.fromkeys((*CELL_FLUXES, *LAYER_FLUXES, *FULL))))}",
            f"hist_fincl2 = {quoted(PATCH_FLUXES)}",
            f"hist_fincl3 = {quoted(FORCING)}",
        ]
    )


def carbon_pool(name: str) -> str:
    """The carbon pool that belongs to a pool of nitrogen or phosphorus; itself where it is carbon.

    >>> carbon_pool("soil3p_vr"), carbon_pool("leafn_storage"), carbon_pool("npool")
    ('soil3c_vr', 'leafc_storage', 'npool')
    """
    return POOLS[name].twin(Element.CARBON) or name
