"""Pools of cells by network, by the network alone, by the solver's own answer, and by scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.cascade import layers
from kiloland.spinup.learn.closures import Answer, Base, closure_answer, leaf_area, sorbed
from kiloland.spinup.learn.direct import direct_answer, direct_base
from kiloland.spinup.learn.model import Architecture, Model
from kiloland.spinup.learn.network import Network, TokenBatch
from kiloland.spinup.learn.problem import WIDTHS, Problem, base_batch, token_batch
from kiloland.spinup.learn.variables import CARBON, LAYER_ORDER, LEAF, PLANT_ORDER
from kiloland.spinup.tables import TISSUES

Float = NDArray[np.float64]
Int = NDArray[np.int64]

BATCH: Final = 512


@dataclass(frozen=True)
class RawAnswer:
    """Answers of all cells: pools ``plant`` [cell, 17, pool], ``layer`` [cell, 10, variable], soil carbon of
    the network ``alone`` [cell, 10, pool], the ``summary`` of each cell and its drift (gC m-2 yr-1)."""

    plant: Float
    layer: Float
    alone: Float
    summary: Float
    drift: Float


@eqx.filter_jit
def evaluated(
    network: Network, tokens: TokenBatch, base: Base, scale: Any, direct: bool
) -> tuple[Answer, jax.Array]:
    """Answer and summary of a batch."""
    outputs = network(tokens)
    answer = direct_answer(outputs, scale) if direct else closure_answer(outputs, base)
    return answer, outputs.summary


def raw_answer(model: Model, problem: Problem, batch: int = BATCH) -> RawAnswer:
    """The network's answers for all cells of a problem, in batches."""
    direct = model.architecture is Architecture.DIRECT
    logs = jax.tree.map(jnp.asarray, model.logs)
    cells = problem.cells
    plant, layer = np.zeros(problem.plant.shape), np.zeros(problem.layer.shape)
    alone, drift = np.zeros(problem.natural.shape), np.zeros(cells)
    summary = np.zeros((cells, 2 * model.shape.width))
    number = problem.inputs.present.sum(axis=1)
    least = 0
    for width in WIDTHS:
        rows = np.flatnonzero((number > least) & (number <= width) if least else number <= width)
        least = width
        for start in range(0, rows.size, batch):
            chosen = rows[start : start + batch]
            filled = np.resize(chosen, batch)
            tokens, slots = token_batch(problem, filled, width)
            base = base_batch(problem, filled, slots)
            if direct:
                base = direct_base(base, model.logs, tokens.present)
            answer, phi = evaluated(model.network, tokens, base, logs, direct)
            count = chosen.size
            change = np.asarray(answer.plant[:count], np.float64)
            pools = np.asarray(base.plant[:count], np.float64) * np.exp(change)
            plant[chosen[:, None], slots[:count]] = pools
            own = base.layer if direct else problem.layer[chosen]
            layer[chosen] = own[:count] * np.exp(np.asarray(answer.layer[:count], np.float64))
            start_carbon = base.natural if direct else problem.natural[chosen]
            alone[chosen] = start_carbon[:count] * np.exp(np.asarray(answer.alone[:count], np.float64))
            summary[chosen], drift[chosen] = np.asarray(phi[:count]), np.asarray(answer.drift[:count])
    return RawAnswer(plant, layer, alone, summary, drift)


def blended(raw: RawAnswer, share: Float) -> Float:
    """Layered pools with carbon between the closure's answer (share 0) and the network alone (share 1).

    log C = (1 - share) log C_closure + share log C_alone; nitrogen and phosphorus go with their carbon.
    ``share`` [pool] or [cell, 1, pool].
    """
    pools = len(CARBON)
    carbon = raw.layer[..., :pools]
    both = (carbon > 0.0) & (raw.alone > 0.0)
    ratio = np.where(both, np.log(np.where(both, raw.alone, 1.0) / np.where(both, carbon, 1.0)), 0.0)
    factor = np.exp(share * ratio)
    return np.concatenate(
        [raw.layer[..., : 3 * pools] * np.tile(factor, 3), raw.layer[..., 3 * pools :]], axis=-1
    )


def pools_by_name(problem: Problem, plant: Float, layer: Float) -> dict[str, Float]:
    """All pools by restart name, [cell, 17] or [cell, 10]; what follows from others is added here.

    sminn = nh4 + no3; labile P by Langmuir; leaf area from leaf carbon; xsmrpool is not positive.
    """
    made: dict[str, Float] = {name: layer[..., number] for number, name in enumerate(LAYER_ORDER)}
    made |= {name: plant[..., number] for number, name in enumerate(PLANT_ORDER)}
    made["xsmrpool"] = np.minimum(made["xsmrpool"], 0.0)
    made["sminn_vr"] = made["smin_nh4_vr"] + made["smin_no3_vr"]
    mineral = problem.operator.mineral
    maximum, half = (np.asarray(v)[:, None] for v in (mineral.sorption_maximum, mineral.sorption_half))
    made["labilep_vr"] = sorbed(made["solutionp_vr"], maximum, half)
    made["tlai"] = canopy(problem, made["leafc"])
    return made


def canopy(problem: Problem, leaf: Float) -> Float:
    """Leaf area of new leaf carbon: by the ratio to that of the short run where it had leaves."""
    new = leaf_area(leaf, problem.slatop, problem.slope)
    old = leaf_area(problem.plant[..., LEAF], problem.slatop, problem.slope)
    grown = (old > 1.0e-9) & (problem.leaf_area > 1.0e-9)
    return np.where(grown, problem.leaf_area * new / np.where(grown, old, 1.0), new)


def column_carbon(layer: Float, plant: Float, cover: Float) -> Float:
    """Carbon of soil and plants, gC m-2 of each column; ``cover`` [cell, 17] in %."""
    soil = (layer[..., : len(CARBON)].sum(axis=2) * layers().thickness).sum(axis=1)
    carbon = [PLANT_ORDER.index(f"{tissue}c") for tissue in TISSUES]
    return np.asarray(soil + (plant[..., carbon].sum(axis=2) * cover / 100.0).sum(axis=1))
