"""A deliberately wrong operator: is it noticed, and does the answer get worse than the network alone?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.benchmark.bars import Bar, Exhibit
from kiloland.spinup.benchmark.world import World, judged, pooled_score
from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.tables import HEADLINE

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

NOISE: Final = 0.4
"""Standard deviation of the logarithm of every rate."""
COLD_POWER: Final = 0.5
"""The wrong scalar of cold soils: its power of the right one, so that frozen soils respire far too fast."""
DETECTED: Final = 0.99


def wrong_operator(table: CellTable, seed: int) -> CellTable:
    """The same cells with rates decay' = decay T^(0.5 - 1) exp(0.4 N(0, 1)), T the temperature scalar."""
    draw = np.random.default_rng([seed, 44])
    scalar = np.clip(table["flux_T_SCALAR"], 1.0e-3, 1.0)
    decay = table["operator_decay"]
    noise = np.exp(NOISE * draw.standard_normal(decay.shape))
    values = {**table.values, "operator_decay": decay * scalar[:, None, :] ** (COLD_POWER - 1.0) * noise}
    return replace(table, values=values)


def wrong_operator_exhibit(
    world: World, test: Int, answers: Mapping[str, Mapping[str, Float]], detected: Bool, false_alarms: Bool
) -> Exhibit:
    """The table and its bars.

    ``answers``: pools [test cell, slot] by the name of the row; ``detected`` and ``false_alarms`` [test
    cell]: whether the wrong and the right operator were refused. The rows that the bar compares are ``ours,
    wrong operator`` and ``network alone``.
    """
    kept = {name: judged(world, pools, test) for name, pools in answers.items()}
    score = {name: pooled_score(world, pools, cells, HEADLINE) for name, (pools, cells) in kept.items()}
    slow = ("soil3c_vr", "soil4c_vr")
    soil = {name: pooled_score(world, pools, cells, slow) for name, (pools, cells) in kept.items()}
    share, alarms = float(np.mean(detected)), float(np.mean(false_alarms))
    rows = tuple((name, round(score[name], 4), round(soil[name], 4)) for name in answers)
    worse = score["ours, wrong operator"] - score["network alone"]
    bars = (
        Bar(
            "a wrong operator is detected, share of the test cells",
            "detected",
            f"{100.0 * share:.1f} % (false alarms {100.0 * alarms:.1f} %)",
            share >= DETECTED,
        ),
        Bar(
            "a wrong operator: R2 above that of the network alone",
            "not worse",
            f"{worse:+.4f}",
            worse >= 0.0,
        ),
    )
    return Exhibit(
        "A deliberately wrong operator",
        f"Rates of the test cells times T^({COLD_POWER:g} - 1), T the temperature scalar, and times a factor "
        f"exp({NOISE:g} N(0, 1)) for every pool, layer and cell. The network was trained with the right one.",
        ("row", "R2 of the headline variables", "R2 of soil 3 and 4"),
        rows,
        bars,
    )
