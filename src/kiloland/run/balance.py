"""The balances of a run: ledgers of all blocks joined, summed over the domain, and told."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TypedDict

import jax.numpy as jnp
import numpy as np

from kiloland.grid.base import KM2_PER_RADIAN2
from kiloland.land.ledger import BUDGETS, UNITS, Ledger
from kiloland.land.subgrid import Block
from kiloland.run.global_sum import global_sum
from kiloland.run.model import Model
from kiloland.run.parts import Part

LEDGER_NAMES = tuple(f"ledger_{field.name}" for field in dataclasses.fields(Ledger))


class BudgetSummary(TypedDict):
    """One budget of a run; sums over steps and, weighted by area, over the domain."""

    largest_error: float
    bar: float
    units: str
    entered: float
    accounted: float
    sum_units: str


def join_parts(parts: Sequence[Part]) -> dict[str, np.ndarray]:
    """The ledgers of all parts as ``[budget, column of the layout]`` by name."""
    pieces = [join_ledgers(part.ledgers, part.blocks) for part in parts]
    return {name: np.concatenate([piece[name] for piece in pieces], axis=-1) for name in LEDGER_NAMES}


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


@dataclasses.dataclass(frozen=True)
class Violation:
    """The first column of a block whose error is beyond the bar, and its worst step."""

    budget: str
    count: int
    """Columns of the block whose error is."""
    cell: int
    """Position among the rank's cells."""
    column_row: int
    """Position among the rank's columns."""
    step: int
    """Number of the step, 1 for the first of the run."""
    entering: float
    accounted: float
    error: float
    bar: float


def violation(part: Part, number: int) -> Violation | None:
    """What is wrong with the budgets of a block, None where all close."""
    block, ledger, group = part.blocks[number], part.ledgers[number], part.group
    real = block.columns.stop - block.columns.start
    largest = np.asarray(ledger.largest_error)[:, :real]
    for row, name in enumerate(BUDGETS):
        bar = part.kind.physics.bars[name]
        wrong = np.flatnonzero(~(largest[row] <= bar))
        if len(wrong):
            place = int(wrong[0])
            column = block.columns.start + place
            return Violation(
                budget=name,
                count=len(wrong),
                cell=int(group.gridcell[column]),
                column_row=int(group.column_row[column]),
                step=int(ledger.worst_step[row, place]),
                entering=float(ledger.worst_entering[row, place]),
                accounted=float(ledger.worst_accounted[row, place]),
                error=float(largest[row, place]),
                bar=bar,
            )
    return None


def balance_summary(model: Model) -> dict[str, BudgetSummary]:
    """The budgets of the run since its start; all ranks together, the same bits on any number of them."""
    joined, layout = join_parts(model.parts), model.layout
    cell = layout.gridcell
    area = model.domain.area[cell] * KM2_PER_RADIAN2 * 1e6 * model.domain.fraction[cell]
    weight = area * layout.weight
    summary: dict[str, BudgetSummary] = {}
    for row, name in enumerate(BUDGETS):
        largest = float(joined["ledger_largest_error"][row].max(initial=0.0))
        summary[name] = BudgetSummary(
            largest_error=max(model.ranks.gather(largest)),
            bar=max(model.ranks.gather(max(part.kind.physics.bars[name] for part in model.parts))),
            units=UNITS[name],
            entered=global_sum(joined["ledger_entered"][row] * weight, model.ranks),
            accounted=global_sum(joined["ledger_accounted"][row] * weight, model.ranks),
            sum_units=f"({UNITS[name]}) m2, summed over steps",
        )
    return summary
