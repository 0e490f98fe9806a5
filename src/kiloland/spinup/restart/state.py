"""Old and new pools of one part of a restart, by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.spinup.pools import PoolFile, not_finite
from kiloland.spinup.restart.acceleration import Scale, averaged_scalar
from kiloland.spinup.restart.blocks import Part, PoolPart
from kiloland.spinup.restart.ratios import Ratios
from kiloland.spinup.restart.rules import (
    LEAST_RATIO,
    MOST_RATIO,
    SURFACE_PHOSPHORUS,
    Following,
    Given,
    Inserted,
    Rule,
    ShareOf,
    Sorbed,
    SumOf,
    WithCarbon,
)
from kiloland.spinup.restart.soils import Sorption, SurfacePhosphorus, solution_phosphorus
from kiloland.spinup.subgrid import Subgrid
from kiloland.spinup.tables import DECOMPOSITION_LAYERS, POOLS, Group, Pool

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SMALL: Final = 1.0e-12
"""Below this (g) a pool has no ratio."""
LARGEST: Final = 1.0e30
"""Above this a stored value is a fill value."""


class Origin(IntEnum):
    """Where the new value of a column or patch comes from; the first four as in ``method_used``."""

    PREDICTED = 0
    SOLVED = 1
    SCALED = 2
    KEPT = 3


@dataclass(frozen=True)
class Setting:
    """What holds for all parts: rules, scales on file before and after, constants."""

    rules: Mapping[str, Rule]
    before: Scale
    after: Scale
    ratios: Ratios
    sorption: Sorption | None
    default_origin: Origin
    inserts: bool


@dataclass(frozen=True)
class Match:
    """Where the pools of a part lie in the file of pools.

    ``column``, ``patch``: place in the pool part of each soil column and patch, -1 where it has none;
    ``covered``, ``patch_covered``: whether the file's values are used; ``origin``: of each column.
    """

    column: IntArray
    patch: IntArray
    covered: BoolArray
    patch_covered: BoolArray
    origin: IntArray


@dataclass
class PartState:
    """Pools of the soil columns of one part, read and computed when asked, each once.

    Values are in natural scale, layers are the ten of decomposition.
    """

    dataset: Dataset
    part: Part
    subgrid: Subgrid
    pools: PoolFile
    pool_part: PoolPart
    match: Match
    setting: Setting
    phosphorus: SurfacePhosphorus | None
    _old: dict[str, FloatArray] = field(default_factory=dict)
    _new: dict[str, FloatArray] = field(default_factory=dict)
    _stored: dict[str, NDArray[Any]] = field(default_factory=dict)

    def stored(self, name: str) -> NDArray[Any]:
        """The variable as on file, for all columns or patches of the part."""
        if name not in self._stored:
            variable = self.dataset[name]
            rows = self.part.patches if variable.dims[0] == "pft" else self.part.columns
            self._stored[name] = variable.read(rows)
        return self._stored[name]

    def rows(self, pool: Pool) -> IntArray:
        """Rows of the soil columns, or of their patches, in the part."""
        return self.subgrid.pft_row if pool.on_patches else self.subgrid.column_row

    def on_file(self, name: str) -> FloatArray:
        """Values of the soil columns or patches as on file."""
        pool = POOLS[name]
        values = np.asarray(self.stored(name)[self.rows(pool)], np.float64)
        return values[:, :DECOMPOSITION_LAYERS] if pool.layered else values

    def scalar(self) -> FloatArray:
        """Averaged scalar of the soil columns as ELM uses it."""
        if "scalaravg_col" not in self._old:
            rows = self.stored("scalaravg_col")[self.subgrid.column_row, :DECOMPOSITION_LAYERS]
            self._old["scalaravg_col"] = averaged_scalar(np.asarray(rows, np.float64))
        return self._old["scalaravg_col"]

    def factor(self, pool: Pool, scale: Scale) -> FloatArray:
        """Natural over stored on a file of this scale."""
        scalar = self.scalar() if scale.divides else np.ones((1, 1))
        return scale.factor(pool, scalar)

    def old(self, name: str) -> FloatArray:
        """Old values in natural scale."""
        if name not in self._old:
            values, factor = self.on_file(name), self.factor(POOLS[name], self.setting.before)
            with np.errstate(invalid="ignore", over="ignore"):
                self._old[name] = np.where(np.abs(values) < LARGEST, values * factor, values)
        return self._old[name]

    def covered(self, pool: Pool) -> BoolArray:
        """Which columns or patches take values of the file of pools."""
        return self.match.patch_covered if pool.on_patches else self.match.covered

    def given(self, name: str) -> FloatArray:
        """Values of the file of pools at the keys of this part; NaN where it has none.

        Raises InputError where a value that the file has is not a number.
        """
        pool = POOLS[name]
        run, place = (
            (self.pool_part.patches, self.match.patch)
            if pool.on_patches
            else (self.pool_part.columns, self.match.column)
        )
        values = self.pools.read(name, run)
        if not np.isfinite(values).all():
            raise not_finite(self.pools.path, name, self.pool_part.keys, values, 0)
        found = np.full((place.size, *values.shape[1:]), np.nan)
        found[place >= 0] = values[place[place >= 0]]
        return found

    def new(self, name: str) -> FloatArray:
        """New values in natural scale."""
        if name not in self._new:
            pool = POOLS[name]
            base = self.base(pool)
            changed = self.applied(pool, self.setting.rules[name])
            if changed is None:
                self._new[name] = base
            else:
                covered = self.covered(pool)
                self._new[name] = np.where(covered[:, None] if pool.layered else covered, changed, base)
        return self._new[name]

    def base(self, pool: Pool) -> FloatArray:
        """Values where the file of pools says nothing: the old ones; mineral P as ELM inserts it."""
        if pool.group is not Group.MINERAL_P or not self.setting.inserts:
            return self.old(pool.name)
        if self.phosphorus is None:
            if self.match.covered.all():
                return self.old(pool.name)
            raise InputError(
                "mineral P of columns that the file of pools lacks cannot be set",
                file=self.pools.path,
                variable=pool.name,
                hint="Give --surface S.nc and --soil-orders CNP.nc, or --spinup-state 1",
            )
        if pool.part == "solutionp":
            return self.sorbed(self.inserted("labilep"))
        return self.inserted(pool.part)

    def inserted(self, part: str) -> FloatArray:
        """P of the surface file in all layers (gP m-3)."""
        assert self.phosphorus is not None
        density = self.phosphorus.density[SURFACE_PHOSPHORUS[part]]
        return np.repeat(density[:, None], DECOMPOSITION_LAYERS, axis=1)

    def sorbed(self, labile: FloatArray) -> FloatArray:
        """Solution P in balance with labile P; as on file where no constants are known."""
        if self.phosphorus is None or self.setting.sorption is None:
            return self.old("solutionp_vr")
        return solution_phosphorus(labile, self.phosphorus.order, self.setting.sorption, self.dataset.path)

    def applied(self, pool: Pool, rule: Rule) -> FloatArray | None:
        """Values by the rule; None where it keeps the old ones."""
        match rule:
            case Given():
                return self.given(pool.name)
            case WithCarbon(carbon):
                return self.with_carbon(pool, carbon)
            case Following(leader):
                return self.following(pool, leader)
            case SumOf(members):
                return np.asarray(sum(self.new(name) for name in members))
            case ShareOf(total, members):
                return self.share(pool, total, members)
            case Inserted(_):
                return self.base(pool)
            case Sorbed(labile):
                return self.sorbed(self.new(labile))
        return None

    def with_carbon(self, pool: Pool, carbon: str) -> FloatArray:
        """Carbon's new value times the element's share of the restart."""
        own, old_carbon = self.old(pool.name), self.old(carbon)
        usable = (old_carbon > SMALL) & (own > 0.0) & (own < LARGEST)
        share = np.divide(own, old_carbon, out=np.zeros_like(own), where=usable)
        plant = self.subgrid.keys.pft_itypveg if pool.on_patches else None
        common = self.setting.ratios.share(pool.name, plant)
        changed = self.new(carbon) * np.where(usable, share, common)
        return np.where(usable & (self.new(carbon) == old_carbon), own, changed)

    def following(self, pool: Pool, leader: str) -> FloatArray:
        """Own old value times the change of another pool."""
        old, before, now = self.old(pool.name), self.old(leader), self.new(leader)
        ratio = np.divide(now, before, out=np.ones_like(before), where=before > SMALL)
        return np.asarray(old * np.clip(ratio, LEAST_RATIO, MOST_RATIO))

    def share(self, pool: Pool, total: str, members: tuple[str, ...]) -> FloatArray:
        """Own old share of a sum times its new value."""
        old = np.asarray(sum(self.old(name) for name in members))
        part = np.divide(
            self.old(pool.name), old, out=np.full_like(old, 1.0 / len(members)), where=old > SMALL
        )
        return np.asarray(self.given(total) * part)

    def to_store(self, name: str) -> NDArray[Any]:
        """The variable as the new file holds it, for all columns or patches of the part."""
        pool = POOLS[name]
        values = self.new(name)
        factor = self.factor_after(pool)
        with np.errstate(invalid="ignore", over="ignore"):
            stored = np.where(np.abs(values) < LARGEST, values / factor, values)
        same = self.unchanged(pool, values)
        whole = self.stored(name).copy()
        rows = self.rows(pool)
        own = self.on_file(name)
        stored = np.where(same, own, stored)
        if pool.layered:
            whole[rows, :DECOMPOSITION_LAYERS] = stored
        else:
            whole[rows] = stored
        return whole

    def factor_after(self, pool: Pool) -> FloatArray:
        """Natural over stored on the new file, whose averaged scalar is 1."""
        return self.setting.after.factor(pool, np.ones((1, 1)))

    def unchanged(self, pool: Pool, values: FloatArray) -> BoolArray:
        """Where neither the value nor the scale changes, so that the bits on file stay."""
        old = self.old(pool.name)
        same_value = (values == old) | (np.isnan(values) & np.isnan(old))
        same_scale = self.factor(pool, self.setting.before) == self.factor_after(pool)
        return np.asarray(same_value & same_scale)

    def origins(self, name: str) -> IntArray:
        """Origin of the new value of each column or patch."""
        pool, rule = POOLS[name], self.setting.rules[name]
        rescaled = np.any(self.factor(pool, self.setting.before) != 1.0)
        rest = Origin.SCALED if rescaled and self.setting.before.accelerated else Origin.KEPT
        covered = self.covered(pool)
        column = self.subgrid.keys.pft_column if pool.on_patches else np.arange(covered.size)
        if isinstance(rule, Given):
            return np.where(covered, self.match.origin[column], int(rest))
        if isinstance(rule, WithCarbon | Following | ShareOf | SumOf | Sorbed):
            return np.where(covered, int(Origin.SCALED), int(rest))
        if pool.group is Group.MINERAL_P and self.setting.inserts:
            return np.full(covered.size, int(Origin.SCALED))
        return np.full(covered.size, int(rest))
