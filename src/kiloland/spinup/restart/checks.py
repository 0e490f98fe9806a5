"""Pre-flight checks of the pools of one part, in natural scale, before ELM would meet them.

========================  ================================================================  ========
check                     limit                                                             else
========================  ================================================================  ========
number                    finite                                                            error
sign                      >= -1e-8 (truncation and xsmrpool excepted); xsmrpool <= 1e-8     error
range                     see ``LARGEST_AMOUNT``                                            error
C:N, C:P of a pool        within a factor of the restart's own, see ``RATIO_CHANGE``        error
C:N of soil pools         as in the restart within 0.1 %: ELM keeps it and never restores   warning
wood                      none on plant types that have none in the restart, none on bare   error
sorption                  labile P below what the soil can sorb                             error
========================  ================================================================  ========

A fault that the restart had already in the same place, up to a factor of two, is only warned of.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.files import Dataset
from kiloland.spinup.restart.blocks import Part
from kiloland.spinup.restart.findings import Findings, Severity, report_where
from kiloland.spinup.restart.rules import Given
from kiloland.spinup.restart.state import LARGEST, PartState
from kiloland.spinup.subgrid import restart_subgrid
from kiloland.spinup.tables import POOLS, SOIL, Element, Group, Pool

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

LEAST: Final = -1.0e-8
"""ELM's precision control takes smaller amounts for rounding (g)."""
LARGEST_AMOUNT: Final = {
    Group.TISSUE: 2.0e5,
    Group.STORAGE: 2.0e4,
    Group.TRANSFER: 2.0e4,
    Group.RESERVE: 2.0e5,
    Group.LITTER: 1.0e8,
    Group.MINERAL_N: 1.0e5,
    Group.MINERAL_P: 1.0e5,
    Group.LEAF_AREA: 40.0,
}
"""Largest believable value: g m-2 on patches, g m-3 in layers, m2 m-2 of leaves."""
RATIO_CHANGE: Final = {Group.TISSUE: 5.0, Group.LITTER: 10.0}
"""How much the ratio of carbon to an element of a pool may differ from the restart's, as a factor."""
FIXED_RATIO_CHANGE: Final = 1.0e-3
WEIGHED: Final = 1.0e-3
"""Ratios are compared where a pool holds at least so much carbon (g)."""
WOODY: Final = ("livestemc", "deadstemc", "livecrootc", "deadcrootc")
PLANT_TYPES: Final = 64


def check_part(state: PartState, findings: Findings, wood: BoolArray) -> None:
    """All checks of one part; ``wood``: plant types that have wood in the restart."""
    for name in state.setting.rules:
        check_pool(state, POOLS[name], findings)
    check_wood(state, findings, wood)


def relevant(state: PartState, pool: Pool) -> BoolArray:
    """Patches with weight; all columns."""
    if pool.on_patches:
        return np.asarray(state.subgrid.pft_weight > 0.0)
    return np.ones(state.subgrid.keys.columns, bool)


def check_pool(state: PartState, pool: Pool, findings: Findings) -> None:
    """Number, sign, range and ratio of one pool."""
    values = state.new(pool.name)
    counts = relevant(state, pool)
    taken = counts & state.covered(pool) & isinstance(state.setting.rules[pool.name], Given)
    shape = (slice(None),) + (None,) * (values.ndim - 1)
    counts, taken = counts[shape] & np.ones_like(values, bool), taken[shape] & np.ones_like(values, bool)
    keys, patches = state.subgrid.keys, pool.on_patches

    def report(severity: Severity, problem: str, wrong: BoolArray, expected: str) -> None:
        report_where(findings, severity, pool.name, problem, wrong, values, expected, keys, patches)

    odd = counts & ~(np.abs(values) < LARGEST)
    report(Severity.ERROR, "is not a number", odd, "finite")
    fine = counts & ~odd
    for (fault, problem, expected), (before, _, _) in zip(
        faults(pool, values), faults(pool, 2.0 * state.old(pool.name)), strict=True
    ):
        new = fault & fine & taken & ~before
        report(Severity.ERROR, problem, new, expected)
        report(Severity.WARNING, f"{problem}, as in the restart", fault & fine & ~new, expected)
    check_ratio(state, pool, fine & taken, findings)


def faults(pool: Pool, values: FloatArray) -> list[tuple[BoolArray, str, str]]:
    """Where values have an impossible sign or size: places, what it is, what is expected."""
    most = LARGEST_AMOUNT.get(pool.group, np.inf)
    return [
        ((values < LEAST) & (not pool.may_be_negative), "is negative", "0 or more"),
        ((values > -LEAST) & pool.must_not_be_positive, "is a debt and cannot be positive", "0 or less"),
        (values > most, "is larger than believable", f"at most {most:g}"),
    ]


def check_ratio(state: PartState, pool: Pool, taken: BoolArray, findings: Findings) -> None:
    """Ratio of carbon to N or P of one pool against that of the restart."""
    name = pool.twin(Element.CARBON)
    limit = RATIO_CHANGE.get(pool.group)
    if name is None or limit is None or pool.element is Element.CARBON or not taken.any():
        return
    if name not in state.setting.rules:
        return
    carbon, old_carbon, old = state.new(name), state.old(name), state.old(pool.name)
    weighed = taken & (carbon > WEIGHED) & (old_carbon > WEIGHED) & (old > 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = carbon / state.new(pool.name)
        change = np.where(weighed, ratio / (old_carbon / old), 1.0)
    keys, patches = state.subgrid.keys, pool.on_patches
    symbol = f"C:{pool.name[len(pool.part)].upper()}"
    wrong = ~((change < limit) & (change > 1.0 / limit))
    problem = f"{symbol} far from that of the restart"
    expected = f"within a factor of {limit:g} of the restart's"
    report_where(
        findings,
        Severity.ERROR,
        pool.name,
        problem,
        wrong,
        np.where(weighed, ratio, 0.0),
        expected,
        keys,
        patches,
    )
    if pool.part in SOIL and pool.element is Element.NITROGEN:
        off = ~(np.abs(change - 1.0) <= FIXED_RATIO_CHANGE) & ~wrong
        report_where(
            findings,
            Severity.WARNING,
            pool.name,
            f"{symbol} is fixed in ELM, and differs from the restart's",
            off,
            np.where(weighed, ratio, 0.0),
            "the ratio of the restart",
            keys,
            patches,
        )


def check_wood(state: PartState, findings: Findings, wood: BoolArray) -> None:
    """Wood on plants that have none, and anything on bare ground."""
    plant = state.subgrid.keys.pft_itypveg
    for name, rule in state.setting.rules.items():
        pool = POOLS[name]
        if not isinstance(rule, Given) or not pool.on_patches or pool.group is not Group.TISSUE:
            continue
        values = state.new(name)
        bare = (plant == 0) | (~wood[plant] if name in WOODY else False)
        wrong = bare & relevant(state, pool) & state.match.patch_covered & (np.abs(values) > WEIGHED)
        report_where(
            findings,
            Severity.ERROR,
            name,
            "a tissue that this plant type does not have",
            wrong,
            values,
            "0: are plant types permuted?",
            state.subgrid.keys,
            True,
        )


def plants_with_wood(dataset: Dataset, parts: list[Part]) -> BoolArray:
    """Plant types that hold wood anywhere in a restart."""
    wood = np.zeros(PLANT_TYPES, bool)
    for part in parts:
        subgrid = restart_subgrid(dataset, part.columns, part.patches)
        for name in WOODY:
            values = dataset[name].read(part.patches)[subgrid.pft_row]
            has = (values > 0.0) & (values < LARGEST) & (subgrid.pft_weight > 0.0)
            wood[subgrid.keys.pft_itypveg[has]] = True
    return wood
