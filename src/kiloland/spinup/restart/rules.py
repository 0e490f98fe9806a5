"""How each pool of a restart gets its new value: one rule a pool, chosen once from what is given.

=============  ==========================================================================================
rule           new value, in natural scale
=============  ==========================================================================================
Given          that of the file of pools
WithCarbon     carbon's new value / (C : X of the restart); where the restart has none, / (C : X of all
               columns, or of all patches of the plant type)
Following      own old value * (new / old of another pool), the ratio kept within 0.1 to 10
SumOf          sum of other pools
ShareOf        own share of the sum in the restart times the new sum
Inserted       as ELM inserts it on leaving accelerated spinup: P of the surface file / 0.5 m, in all layers
Sorbed         Langmuir: labile * k / (s_max - labile)
Kept           old value
=============  ==========================================================================================

A column that the file of pools lacks, or that a guard holds back, keeps its old values in natural scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Final

from kiloland.errors import InputError
from kiloland.spinup.tables import DEAD_WOOD, MINERAL_N, MINERAL_P, POOLS, Element, Group, Pool

LEAST_RATIO: Final = 0.1
MOST_RATIO: Final = 10.0
SURFACE_PHOSPHORUS: Final = {
    "labilep": "LABILE_P",
    "secondp": "SECONDARY_P",
    "occlp": "OCCLUDED_P",
    "primp": "APATITE_P",
}
"""Variables of the surface file that ELM inserts on leaving accelerated spinup (gP m-2)."""


@dataclass(frozen=True)
class Rule:
    """How a pool gets its new value; ``text`` says it in the report."""

    @property
    def text(self) -> str:
        """In words."""
        return "kept"


@dataclass(frozen=True)
class Kept(Rule):
    """Old value."""


@dataclass(frozen=True)
class Given(Rule):
    """Value of the file of pools."""

    @property
    def text(self) -> str:
        """In words."""
        return "from the file of pools"


@dataclass(frozen=True)
class WithCarbon(Rule):
    """Carbon's new value over the ratio of the restart."""

    carbon: str

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.carbon} / ratio of the restart"


@dataclass(frozen=True)
class Following(Rule):
    """Old value times the change of another pool."""

    leader: str

    @property
    def text(self) -> str:
        """In words."""
        return f"changes as {self.leader}"


@dataclass(frozen=True)
class SumOf(Rule):
    """Sum of other pools."""

    members: tuple[str, ...]

    @property
    def text(self) -> str:
        """In words."""
        return " + ".join(self.members)


@dataclass(frozen=True)
class ShareOf(Rule):
    """Old share of a sum times its new value."""

    total: str
    members: tuple[str, ...]

    @property
    def text(self) -> str:
        """In words."""
        return f"old share of {self.total}"


@dataclass(frozen=True)
class Inserted(Rule):
    """P of the surface file."""

    source: str

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.source} of the surface file / 0.5 m"


@dataclass(frozen=True)
class Sorbed(Rule):
    """Solution P in balance with labile P."""

    labile: str

    @property
    def text(self) -> str:
        """In words."""
        return f"Langmuir balance with {self.labile}"


@dataclass(frozen=True)
class Means:
    """What the rules can use: the names of the file of pools and of the restart, and what else is at hand.

    ``inserts``: this writer leaves accelerated spinup itself, so mineral P comes from the surface file;
    ``sorption``: the constants of the soil orders are known.
    """

    given: Set[str]
    present: Set[str]
    inserts: bool
    surface: bool
    sorption: bool


def plan_rules(means: Means) -> dict[str, Rule]:
    """The rule of every pool that the restart has, columns first.

    Raises InputError where a given pool is not in the restart, or mineral P cannot be set.
    """
    for name in sorted(means.given - means.present):
        raise InputError("a pool that the restart does not have", variable=name)
    return {name: rule_of(pool, means) for name, pool in POOLS.items() if name in means.present}


def rule_of(pool: Pool, means: Means) -> Rule:
    """The rule of one pool."""
    if pool.part == "sminn" or pool.part in MINERAL_N:
        return mineral_nitrogen_rule(pool, means)
    if pool.name in means.given:
        return Given()
    if pool.group is Group.MINERAL_P:
        return mineral_phosphorus_rule(pool, means)
    if pool.group in (Group.TRUNCATION, Group.PRODUCT):
        return Kept()
    carbon = pool.twin(Element.CARBON)
    if carbon is not None and carbon in means.given and carbon != pool.name:
        return WithCarbon(carbon)
    leader = leader_of(pool, means.given)
    return Following(leader) if leader is not None else Kept()


def leader_of(pool: Pool, given: Set[str]) -> str | None:
    """The pool whose change this one shares; None where it stands alone.

    Storage and transfer hold a year's growth: they follow their tissue; those of dead wood, whose stock is
    of decades, follow the live wood and else the leaves. Fine roots grow with the leaves.
    """
    letter = pool.element.value if pool.element is not None else ""
    if pool.group in (Group.STORAGE, Group.TRANSFER):
        part = pool.part.replace("dead", "live") if pool.part in DEAD_WOOD else pool.part
        return first_of((f"{part}{letter}", f"{part}c", f"leaf{letter}", "leafc"), given)
    if pool.name in ("retransn", "retransp") or (pool.group is Group.TISSUE and pool.part == "froot"):
        return first_of((f"leaf{letter}", "leafc"), given)
    return first_of(("leafc",), given) if pool.group is Group.LEAF_AREA else None


def first_of(names: Iterable[str], given: Set[str]) -> str | None:
    """The first of the names that is given."""
    return next((name for name in names if name in given), None)


def mineral_nitrogen_rule(pool: Pool, means: Means) -> Rule:
    """Ammonium and nitrate add up to mineral N, whichever of them are given."""
    members = tuple(f"{part}_vr" for part in MINERAL_N)
    total = "sminn_vr"
    known = [name for name in members if name in means.given]
    if pool.name == total:
        return SumOf(members) if known or total in means.given else Kept()
    if pool.name in known:
        return Given()
    return ShareOf(total, members) if total in means.given and not known else Kept()


def mineral_phosphorus_rule(pool: Pool, means: Means) -> Rule:
    """Solution P balances labile P; the others come from the surface file where spinup is left here."""
    labile = "labilep_vr"
    if means.inserts and not means.surface:
        raise InputError(
            "mineral P cannot be set on leaving accelerated spinup",
            variable=pool.name,
            expected="a surface file",
            hint="Give --surface S.nc, or --spinup-state 1 to let ELM insert it",
        )
    if pool.part == "solutionp":
        if means.inserts or labile in means.given:
            if means.sorption:
                return Sorbed(labile)
            if means.inserts:
                raise InputError(
                    "solution P cannot be set",
                    variable=pool.name,
                    expected="sorption constants of the soil orders",
                    hint="Give --soil-orders CNP_parameters.nc (fsoilordercon in lnd_in)",
                )
            return Following(labile)
        return Kept()
    return Inserted(SURFACE_PHOSPHORUS[pool.part]) if means.inserts else Kept()


def given_phosphorus(given: Set[str]) -> bool:
    """Whether the file of pools holds all mineral P."""
    return all(f"{part}_vr" in given for part in MINERAL_P)
