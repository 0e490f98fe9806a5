"""ELM's names of the carbon, nitrogen and phosphorus pools and of the totals that it makes of them.

One line a pool: its variable in restart and history, its element, where it belongs, and whether accelerated
spinup keeps it small. Patches (``pft``) are in g m-2 of the patch, layers (``column, levgrnd``) in g m-3.

Totals (checked against ELM's restarts to the last digits): with p2c the mean over the patches of a column by
their weight and sum_j dz_j the integral over the decomposition layers,

    totvegc = sum of tissues, storage and transfer + gresp_storage + gresp_xfer + cpool          (patch)
    totlitX = sum_j dz_j (litr1 + litr2 + litr3);  totsomX = sum_j dz_j (soil1 + ... + soil4);  cwdX likewise
    totcolc = p2c(totvegc + xsmrpool + pft_ctrunc) + cwd + lit + som + trunc + products
    totcoln = p2c(tissues + npool + retransn + pft_ntrunc) + cwd + lit + som + trunc + products + sminn
              + the plants' N buffer, which is on no file (1 gN m-2)
    totcolp = p2c(tissues + ppool + retransp + pft_ptrunc) + cwd + lit + som + trunc + products
              + solution + labile + secondary P (primary and occluded P do not count)

Source: E3SM Land Model, ``ColumnDataType``, ``VegetationDataType``, restart files of the reference data.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np


class Element(Enum):
    """Elements by the letter that ELM's names carry."""

    CARBON = "c"
    NITROGEN = "n"
    PHOSPHORUS = "p"

    @property
    def units(self) -> str:
        """Grams of the element, as in ``gC``."""
        return f"g{self.value.upper()}"


class Group(Enum):
    """What a pool is; the rules of the restart writer go by this."""

    TISSUE = "tissue"
    STORAGE = "storage"
    TRANSFER = "transfer"
    RESERVE = "reserve"
    """Pools of the whole plant: cpool, npool, ppool, xsmrpool, retransn, retransp, growth respiration."""
    LITTER = "litter"
    """The eight pools of the cascade: litter, coarse wood and soil organic matter."""
    MINERAL_N = "mineral nitrogen"
    MINERAL_P = "mineral phosphorus"
    TRUNCATION = "truncation"
    PRODUCT = "wood product"
    LEAF_AREA = "leaf area"


class Acceleration(Enum):
    """How accelerated spinup keeps a pool small."""

    NONE = "none"
    DECOMPOSITION = "decomposition"
    """Faster turnover: the natural pool is the stored one times factor / averaged scalar."""
    MORTALITY = "mortality"
    """Faster mortality of dead wood: the natural pool is the stored one times the mortality factor."""


DECOMPOSITION_LAYERS: Final = 10
"""Layers with decomposition; the layers below on file hold zeros."""

TISSUES: Final = ("leaf", "froot", "livestem", "deadstem", "livecroot", "deadcroot")
DEAD_WOOD: Final = ("deadstem", "deadcroot")
CASCADE: Final = ("litr1", "litr2", "litr3", "cwd", "soil1", "soil2", "soil3", "soil4")
LITTER: Final = CASCADE[:3]
SOIL: Final = CASCADE[4:]
MINERAL_N: Final = ("smin_nh4", "smin_no3")
MINERAL_P: Final = ("solutionp", "labilep", "secondp", "occlp", "primp")
HEADLINE: Final = ("deadcrootc", "deadstemc", "cwdc_vr", "soil3c_vr", "soil4c_vr", "tlai")
"""The six variables that are reported first."""


@dataclass(frozen=True)
class Pool:
    """One pool on ELM's files.

    ``part``: tissue (``leaf``), cascade pool (``soil4``) or the pool's own name. ``dims``: of the restart.
    """

    name: str
    history: str
    element: Element | None
    part: str
    group: Group
    dims: tuple[str, ...]
    units: str
    acceleration: Acceleration = Acceleration.NONE

    @property
    def layered(self) -> bool:
        """Whether it lies in layers."""
        return len(self.dims) == 2

    @property
    def on_patches(self) -> bool:
        """Whether it belongs to a patch, not to a column."""
        return self.dims[0] == "pft"

    @property
    def may_be_negative(self) -> bool:
        """Debts and the balances of rounding are negative; nothing else is."""
        return self.name == "xsmrpool" or self.group is Group.TRUNCATION

    @property
    def must_not_be_positive(self) -> bool:
        """The pool of excess maintenance respiration is a debt."""
        return self.name == "xsmrpool"

    def twin(self, element: Element) -> str | None:
        """Restart name of the same pool of another element; None where there is none."""
        if self.element is None or self.part not in (*TISSUES, *CASCADE):
            return None
        stem, tail = self.name[: len(self.part)], self.name[len(self.part) + 1 :]
        return stem + element.value + tail


def _vegetation() -> list[Pool]:
    """Pools of patches."""
    pools = []
    groups = {"": Group.TISSUE, "_storage": Group.STORAGE, "_xfer": Group.TRANSFER}
    for element in Element:
        units = f"{element.units}/m2"
        for tissue in TISSUES:
            for tail, group in groups.items():
                name = f"{tissue}{element.value}{tail}"
                dead = tissue in DEAD_WOOD and group is Group.TISSUE
                acceleration = Acceleration.MORTALITY if dead else Acceleration.NONE
                pools.append(Pool(name, name.upper(), element, tissue, group, ("pft",), units, acceleration))
        own = {
            Element.CARBON: ("gresp_storage", "gresp_xfer", "cpool", "xsmrpool"),
            Element.NITROGEN: ("npool", "retransn"),
            Element.PHOSPHORUS: ("ppool", "retransp"),
        }[element]
        pools += [Pool(n, n.upper(), element, n, Group.RESERVE, ("pft",), units) for n in own]
        trunc = f"pft_{element.value}trunc"
        pools.append(Pool(trunc, trunc.upper(), element, trunc, Group.TRUNCATION, ("pft",), units))
    return [*pools, Pool("tlai", "TLAI", None, "tlai", Group.LEAF_AREA, ("pft",), "m2/m2")]


def _columns() -> list[Pool]:
    """Pools of columns."""
    layers, pools = ("column", "levgrnd"), []
    for element in Element:
        letter, units = element.value, f"{element.units}/m3"
        for part in CASCADE:
            name = f"{part}{letter}"
            pools.append(
                Pool(
                    f"{name}_vr",
                    f"{name.upper()}_vr",
                    element,
                    part,
                    Group.LITTER,
                    layers,
                    units,
                    Acceleration.DECOMPOSITION,
                )
            )
        trunc = f"col_{letter}trunc_vr"
        history = f"COL_{letter.upper()}TRUNC"
        pools.append(Pool(trunc, history, element, trunc, Group.TRUNCATION, layers, units))
        for years in (1, 10, 100):
            name = f"prod{years}{letter}"
            pools.append(
                Pool(name, name.upper(), element, name, Group.PRODUCT, ("column",), f"{element.units}/m2")
            )
    mineral = [(n, Element.NITROGEN, Group.MINERAL_N) for n in ("sminn", *MINERAL_N)]
    mineral += [(n, Element.PHOSPHORUS, Group.MINERAL_P) for n in MINERAL_P]
    for part, element, group in mineral:
        units = f"{element.units}/m3"
        pools.append(Pool(f"{part}_vr", f"{part.upper()}_vr", element, part, group, layers, units))
    return pools


POOLS: Final = {pool.name: pool for pool in (*_columns(), *_vegetation())}
"""Every pool by its restart name: columns first, then patches."""


@dataclass(frozen=True)
class Total:
    """A sum that ELM keeps on the restart.

    ``patches`` and ``layers`` name the pools that are added (by patch weight, by thickness of layers),
    ``columns`` those that are added as they are. ``remainder``: ELM adds something that is on no file, so
    what was there beside the pools stays.
    """

    name: str
    element: Element
    dims: tuple[str, ...]
    patches: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    remainder: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """All pools in it."""
        return (*self.patches, *self.layers, *self.columns)


def _tissues(element: Element) -> tuple[str, ...]:
    """Tissues with storage and transfer."""
    groups = (Group.TISSUE, Group.STORAGE, Group.TRANSFER)
    return tuple(name for name, pool in POOLS.items() if pool.element is element and pool.group in groups)


def _vertical(element: Element, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Layered pools of the cascade."""
    return tuple(f"{part}{element.value}_vr" for part in parts)


def _column_total(element: Element) -> Total:
    """The total of everything in a column."""
    letter = element.value
    reserve = {
        "c": ("gresp_storage", "gresp_xfer", "cpool", "xsmrpool"),
        "n": ("npool", "retransn"),
        "p": ("ppool", "retransp"),
    }[letter]
    mineral = {"c": (), "n": ("sminn_vr",), "p": ("solutionp_vr", "labilep_vr", "secondp_vr")}[letter]
    return Total(
        f"totcol{letter}",
        element,
        ("column",),
        (*_tissues(element), *reserve, f"pft_{letter}trunc"),
        (*_vertical(element, CASCADE), f"col_{letter}trunc_vr", *mineral),
        tuple(f"prod{years}{letter}" for years in (1, 10, 100)),
        remainder=element is Element.NITROGEN,
    )


def _totals() -> tuple[Total, ...]:
    """All totals, the finer ones first."""
    carbon = Element.CARBON
    reserve = ("gresp_storage", "gresp_xfer", "cpool")
    totals = [Total("totvegc", carbon, ("pft",), (*_tissues(carbon), *reserve))]
    for element in Element:
        letter = element.value
        totals += [
            Total(f"totlit{letter}", element, ("column",), layers=_vertical(element, LITTER)),
            Total(f"totsom{letter}", element, ("column",), layers=_vertical(element, SOIL)),
            Total(f"cwd{letter}", element, ("column",), layers=_vertical(element, ("cwd",))),
            _column_total(element),
        ]
    return (*totals, _end_of_step())


def _end_of_step() -> Total:
    """``ENDCB``: column carbon at the end of the step, on restarts of runs with budgets."""
    total = _column_total(Element.CARBON)
    return Total("ENDCB", total.element, total.dims, total.patches, total.layers, total.columns)


TOTALS: Final = {total.name: total for total in _totals()}
"""Totals by restart name; a restart holds some of them."""


def layer_thickness() -> np.ndarray:
    """Thickness of ELM's ten soil layers (m).

    Nodes z_j = 0.025 (exp(0.5 (j - 0.5)) - 1), j from 1; thickness from mid-point to mid-point.
    """
    node = 0.025 * (np.exp(0.5 * (np.arange(1, DECOMPOSITION_LAYERS + 2) - 0.5)) - 1.0)
    middle = 0.5 * (node[1:] + node[:-1])
    return np.diff(middle, prepend=0.0)
