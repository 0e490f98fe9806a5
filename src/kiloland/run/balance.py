"""The balances of a run: ledgers of all blocks joined, summed over the domain, and told."""

from __future__ import annotations

import dataclasses
from typing import TypedDict

import jax.numpy as jnp
import numpy as np

from kiloland.grid.base import KM2_PER_RADIAN2
from kiloland.land.ledger import BARS, BUDGETS, UNITS, Ledger
from kiloland.land.subgrid import Block
from kiloland.run.global_sum import global_sum
from kiloland.run.model import Model

LEDGER_NAMES = tuple(f"ledger_{field.name}" for field in dataclasses.fields(Ledger))


class BudgetSummary(TypedDict):
    """One budget of a run; sums over steps and, weighted by area, over the domain."""

    largest_error: float
    bar: float
    units: str
    entered: float
    accounted: float
    sum_units: str


def join_ledgers(ledgers: list[Ledger], blocks: list[Block]) -> dict[str, np.ndarray]:
    """The ledgers of all blocks as ``[budget, column of the group]`` by name."""
    joined = {}
    for name in LEDGER_NAMES:
        pieces = [
            np.asarray(getattr(ledger, name.removeprefix("ledger_")))[
                :, : block.columns.stop - block.columns.start
            ]
            for ledger, block in zip(ledgers, blocks, strict=True)
        ]
        joined[name] = np.concatenate(pieces, axis=-1)
    return joined


def split_ledgers(joined: dict[str, np.ndarray], blocks: list[Block]) -> list[Ledger]:
    """The inverse of :func:`join_ledgers`."""
    return [
        Ledger(
            **{
                name.removeprefix("ledger_"): jnp.asarray(v[:, block.column_take])
                for name, v in joined.items()
            }
        )
        for block in blocks
    ]


def balance_summary(model: Model) -> dict[str, BudgetSummary]:
    """The budgets of the run since its start; all ranks together, the same bits on any number of them."""
    joined = join_ledgers(model.ledgers, model.prepared.blocks)
    group = model.prepared.group
    area = model.domain.area[group.gridcell] * KM2_PER_RADIAN2 * 1e6 * model.domain.fraction[group.gridcell]
    weight = area * group.column_weight
    summary: dict[str, BudgetSummary] = {}
    for row, name in enumerate(BUDGETS):
        largest = float(joined["ledger_largest_error"][row].max(initial=0.0))
        summary[name] = BudgetSummary(
            largest_error=max(model.ranks.gather(largest)),
            bar=BARS[name],
            units=UNITS[name],
            entered=global_sum(joined["ledger_entered"][row] * weight, model.ranks),
            accounted=global_sum(joined["ledger_accounted"][row] * weight, model.ranks),
            sum_units=f"({UNITS[name]}) m2, summed over steps",
        )
    return summary
