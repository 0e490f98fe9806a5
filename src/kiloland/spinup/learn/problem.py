"""Cells as arrays for training and prediction: inputs, bases, truths, and batches of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.cascade import layers
from kiloland.spinup.dataset.operators import table_operator
from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.learn.closures import Base, dissolved
from kiloland.spinup.learn.features import FeatureSet, Inputs
from kiloland.spinup.learn.network import TokenBatch
from kiloland.spinup.learn.variables import CARBON, EXCESS, MINERAL, NITROGEN, PHOSPHORUS, PLANT_ORDER
from kiloland.spinup.operator import CascadeOperator
from kiloland.spinup.restart.rules import SURFACE_PHOSPHORUS
from kiloland.spinup.solve import steady_carbon
from kiloland.spinup.tables import POOLS, Element

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Int = NDArray[np.int64]

SURFACE_DEPTH: Final = 0.5
"""m; ELM spreads the phosphorus of the surface file (gP m-2) over this depth, into every layer."""
LEAST: Final = 1.0e-30
EXCESS_DAYS: Final = 7.0
FALLBACK_RATIO: Final = {Element.NITROGEN: 1.0 / 30.0, Element.PHOSPHORUS: 1.0 / 900.0}
"""N:C and P:C of matter where the short run has carbon but none of the element."""
PIECE: Final = 512
"""Columns that are solved at once."""
WIDTHS: Final = (4, 8, 17)
"""Plant types of a packed batch: the smallest of these that holds all that are present."""

_steady = jax.jit(steady_carbon)


@dataclass(frozen=True)
class Problem:
    """Some cells: what the network sees, and the base that its closures change.

    ``plant`` [cell, 17, pool], ``layer`` [cell, 10, variable], ``natural`` [cell, 10, pool], ``operator``
    (columns last, numpy) and ``steady`` its own answer; ``litter``, ``wood`` [cell, 17] weights.
    """

    inputs: Inputs
    plant: Float
    layer: Float
    natural: Float
    litter: Float
    wood: Float
    steady: Float
    operator: CascadeOperator
    slatop: Float
    slope: Float
    leaf_area: Float

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.plant.shape[0])


def make_problem(table: CellTable, features: FeatureSet) -> Problem:
    """The problem of the cells of a table (or a block of a run) with an operator."""
    operator = table_operator(table)
    steady = own_answer(operator)
    member = table["member"].astype(np.int64)
    plant, balance = plant_base(table)
    cover = table["pft_cover"]
    lost = sum(np.maximum(table[name], 0.0) for name in wood_losses(table))
    return Problem(
        inputs=features.inputs(table),
        plant=plant,
        layer=layer_base(table, steady, operator),
        natural=np.stack([np.maximum(table[f"X_{name}"], 0.0) for name in CARBON], axis=-1),
        litter=cover * np.maximum(table["patch_LITFALL"], 0.0),
        wood=cover * lost * balance,
        steady=steady,
        operator=operator,
        slatop=table["trait_slatop"][member],
        slope=canopy_slope(table, member),
        leaf_area=np.nan_to_num(table["X_tlai"]),
    )


def canopy_slope(table: CellTable, member: Int) -> Float:
    """Growth of specific leaf area with the leaf area above (``dsladlai``), zero where no file has it."""
    if "trait_dsladlai" in table:
        slope: Float = table["trait_dsladlai"][member]
        return slope
    return np.zeros_like(table["trait_slatop"][member])


def own_answer(operator: CascadeOperator) -> Float:
    """Steady carbon of all columns, [pool, layer, column], in pieces of one size."""
    cells = operator.decay.shape[-1]
    made = np.zeros(operator.decay.shape)
    for start in range(0, cells, PIECE):
        rows = np.minimum(np.arange(start, start + PIECE), cells - 1)
        piece = np.asarray(_steady(some_columns(operator, rows)))
        made[..., start : start + PIECE] = piece[..., : cells - start]
    return made


def wood_losses(table: CellTable) -> list[str]:
    """Patch fluxes from dead wood to litter and fire."""
    names = ("M_DEADSTEMC_TO_LITTER", "M_DEADCROOTC_TO_LITTER")
    fire = ("M_DEADSTEMC_TO_LITTER_FIRE", "M_DEADROOTC_TO_LITTER_FIRE")
    return [f"patch_{name}" for name in (*names, *fire) if f"patch_{name}" in table]


def plant_base(table: CellTable) -> tuple[Float, Float]:
    """Plant pools of the short run, dead wood brought into balance; and the factor of dead stems.

    Dead wood S with loss m S and tendency dS/dt is in balance at S (1 + (dS/dt) / (m S)); the factor is kept
    within 0.2 to 5. Carbon that waits for nutrients (cpool) is at least the NPP of a week: without limitation
    by phosphorus, as in accelerated spinup, there is none of it.
    """
    pools = np.stack([np.nan_to_num(table[f"X_{name}"]) for name in PLANT_ORDER], axis=-1)
    pools = pools * (table["pft_cover"] > 0.0)[:, :, None]
    debt = PLANT_ORDER.index("xsmrpool")
    signed = pools[..., debt]
    pools = np.maximum(pools, 0.0)
    pools[..., debt] = np.minimum(signed, 0.0)
    growing = EXCESS_DAYS * 86400.0 * np.maximum(table["patch_NPP"], 0.0)
    pools[..., EXCESS] = np.maximum(pools[..., EXCESS], growing)
    factors = {}
    for tissue, loss in (
        ("deadstem", ("M_DEADSTEMC_TO_LITTER", "M_DEADSTEMC_TO_LITTER_FIRE")),
        ("deadcroot", ("M_DEADCROOTC_TO_LITTER", "M_DEADROOTC_TO_LITTER_FIRE")),
    ):
        lost = sum(np.maximum(table[f"patch_{name}"], 0.0) for name in loss if f"patch_{name}" in table)
        change = table[f"tendency_{tissue.upper()}C"]
        ratio = np.divide(change, lost, out=np.zeros_like(change), where=lost > LEAST)
        factors[tissue] = np.clip(1.0 + ratio, 0.2, 5.0)
        for element in Element:
            pools[..., PLANT_ORDER.index(tissue + element.value)] *= factors[tissue]
    return pools, factors["deadstem"]


def layer_base(table: CellTable, steady: Float, operator: CascadeOperator) -> Float:
    """The solver's own answer, [cell, layer, variable].

    Carbon of the steady state; nitrogen and phosphorus by the ratios of the short run; mineral N as it is;
    mineral P as it is, or that of the surface file where the run has none yet (accelerated spinup).
    """
    carbon = np.maximum(np.moveaxis(steady, -1, 0).transpose(0, 2, 1), 0.0)
    parts = [carbon]
    for names, element in ((NITROGEN, Element.NITROGEN), (PHOSPHORUS, Element.PHOSPHORUS)):
        ratio = np.stack(
            [
                np.asarray(element_ratio(table, name, own, element))
                for name, own in zip(CARBON, names, strict=True)
            ],
            axis=-1,
        )
        parts.append(carbon * ratio)
    parts.append(np.stack([mineral_base(table, name, operator) for name in MINERAL], axis=-1))
    return np.concatenate(parts, axis=-1)


def element_ratio(table: CellTable, carbon: str, name: str, element: Element) -> Float:
    """Ratio to carbon in the short run, [cell, layer]; where a layer is empty, that of the column."""
    of_carbon, own = np.maximum(table[f"X_{carbon}"], 0.0), np.maximum(table[f"X_{name}"], 0.0)
    total = of_carbon.sum(axis=1, keepdims=True)
    usual = FALLBACK_RATIO[element]
    column = np.where(total > LEAST, own.sum(axis=1, keepdims=True) / np.maximum(total, LEAST), usual)
    ratio = np.where(of_carbon > 1.0e-9, own / np.maximum(of_carbon, 1.0e-9), column)
    return np.where(ratio > 1.0e-8, ratio, usual)


def mineral_base(table: CellTable, name: str, operator: CascadeOperator) -> Float:
    """A mineral pool of the short run, or what ELM inserts from the surface file on leaving acceleration.

    P in solution is what is in balance with labile P, primary P what deposition and weathering balance at,
    spread evenly: d primary = deposition - weathering primary.
    """
    if name == "primp_vr":
        return primary_balance(table, operator)
    if name == "solutionp_vr":
        mineral = operator.mineral
        maximum, half = (np.asarray(v)[:, None] for v in (mineral.sorption_maximum, mineral.sorption_half))
        return dissolved(mineral_base(table, "labilep_vr", operator), maximum, half)
    own: Float = np.maximum(table[f"X_{name}"], 0.0)
    part = POOLS[name].part
    if part not in SURFACE_PHOSPHORUS:
        return own
    inserted = np.maximum(table[f"surface_{SURFACE_PHOSPHORUS[part]}"], 0.0) / SURFACE_DEPTH
    accelerated = int(np.ravel(table.attributes.get("source_spinup_state", 1))[0]) == 1
    return np.array(np.broadcast_to(inserted[:, None], own.shape)) if accelerated else own


def primary_balance(table: CellTable, operator: CascadeOperator) -> Float:
    """Primary P at rest, gP m-3 [cell, layer]; that of the surface file where a rate of it is not known."""
    thickness, mineral = layers().thickness, operator.mineral
    given = np.asarray(mineral.deposition).T @ thickness / thickness.sum()
    rate = np.asarray(mineral.weathering)
    known = (given > 0.0) & (rate > 0.0)
    surface = np.maximum(table["surface_APATITE_P"], 0.0) / SURFACE_DEPTH
    column = np.where(known, given / np.where(rate > 0.0, rate, 1.0), surface)
    return np.array(np.broadcast_to(column[:, None], (column.size, thickness.size)))


def token_batch(problem: Problem, rows: Int, width: int) -> tuple[TokenBatch, Int]:
    """Inputs of some cells with plant types packed into ``width`` places, and the slot of each place."""
    slots = packed(problem.inputs.present[rows], width)
    inputs = problem.inputs
    there = np.take_along_axis(inputs.present[rows], slots, axis=1)
    plant = np.take_along_axis(inputs.plant[rows], slots[:, :, None], axis=1)
    return (
        TokenBatch(
            jnp.asarray(plant * there[:, :, None]),
            jnp.asarray(there),
            jnp.asarray(inputs.layer[rows]),
            jnp.asarray(inputs.climate[rows]),
            jnp.asarray(inputs.ground[rows]),
        ),
        slots,
    )


def packed(there: NDArray[np.bool_], width: int) -> Int:
    """Slots of the plant types that are present, then of others, ``width`` of them."""
    return np.argsort(~there, axis=1, kind="stable")[:, :width]


def base_batch(problem: Problem, rows: Int, slots: Int) -> Base:
    """The base of some cells; plant types packed as ``slots`` says."""

    def small(values: Float) -> jax.Array:
        return jnp.asarray(values, jnp.float32)

    return Base(
        plant=small(np.take_along_axis(problem.plant[rows], slots[:, :, None], axis=1)),
        litter=small(np.take_along_axis(problem.litter[rows], slots, axis=1)),
        wood=small(np.take_along_axis(problem.wood[rows], slots, axis=1)),
        layer=small(problem.layer[rows]),
        natural=small(problem.natural[rows]),
        steady=jnp.asarray(problem.steady[..., rows]),
        operator=some_columns(problem.operator, rows),
    )


def some_columns(operator: CascadeOperator, rows: Int) -> CascadeOperator:
    """The operator of some columns."""

    def chosen(part: Any, shared: tuple[str, ...]) -> dict[str, Any]:
        names = [field.name for field in dataclasses.fields(part) if field.name not in shared]
        return {name: jnp.asarray(np.asarray(getattr(part, name))[..., rows]) for name in names}

    mineral = dataclasses.replace(operator.mineral, **chosen(operator.mineral, ()))
    own = chosen(operator, ("thickness", "spacing", "mineral"))
    return dataclasses.replace(operator, mineral=mineral, **own)
