"""Which pools the network answers for, in which order, and what is tied to what."""

from __future__ import annotations

from typing import Final

import numpy as np

from kiloland.spinup.dataset.fields import PATCH_POOLS
from kiloland.spinup.tables import CASCADE, DEAD_WOOD, HEADLINE, LITTER, POOLS, TISSUES, Element, Group

CARBON: Final = tuple(f"{part}c_vr" for part in CASCADE)
NITROGEN: Final = tuple(f"{part}n_vr" for part in CASCADE)
PHOSPHORUS: Final = tuple(f"{part}p_vr" for part in CASCADE)
MINERAL: Final = ("smin_nh4_vr", "smin_no3_vr", "solutionp_vr", "secondp_vr", "occlp_vr", "primp_vr")
"""Mineral pools with an answer of their own: ``sminn_vr`` is a sum, ``labilep_vr`` follows dissolved P."""
LAYER_ORDER: Final = (*CARBON, *NITROGEN, *PHOSPHORUS, *MINERAL)
PLANT_ORDER: Final = tuple(name for name in PATCH_POOLS if name != "tlai")
"""Pools of plant types; leaf area follows from leaf carbon."""
LEAF: Final = PLANT_ORDER.index("leafc")
EXCESS: Final = PLANT_ORDER.index("cpool")
DEBT: Final = PLANT_ORDER.index("xsmrpool")

FLOATING: Final = np.array([1.0] * 4 + [0.0] * 4, np.float32)
"""Pools of the cascade whose C:N floats: litter and wood; soil has fixed ratios."""
LITTER_POOLS: Final = len(LITTER) + 1
"""Pools that plants feed: three litters, wood."""

TISSUE_OF: Final = np.array(
    [TISSUES.index(POOLS[name].part) if POOLS[name].part in TISSUES else len(TISSUES) for name in PLANT_ORDER]
)
"""Tissue of each plant pool; the last number for pools of the whole plant."""
TWIN_OF: Final = np.array(
    [
        PLANT_ORDER.index(POOLS[name].twin(Element.CARBON) or name)
        if POOLS[name].group is not Group.RESERVE
        else number
        for number, name in enumerate(PLANT_ORDER)
    ]
)
"""Carbon pool that each nitrogen and phosphorus pool goes with; itself otherwise."""
IS_TWIN: Final = np.arange(len(PLANT_ORDER)) != TWIN_OF
DEAD: Final = tuple(TISSUES.index(name) for name in DEAD_WOOD)

LAYER_WEIGHT: Final = np.array([3.0 if name in HEADLINE else 1.0 for name in LAYER_ORDER], np.float32)
PLANT_WEIGHT: Final = np.array(
    [
        3.0
        if name in (*HEADLINE, "leafc", "cpool")
        else 1.0
        if POOLS[name].group is Group.TISSUE or name == "ppool"
        else 0.5
        for name in PLANT_ORDER
    ],
    np.float32,
)
"""Weight of each variable in the loss: those that are reported first count most, and those that tell whether
a plant lacks phosphorus at equilibrium, on which wood and debris depend."""
