"""Constants of the model world: the cascade, the layers, the calendar. All rates per day, depths in m.

Cascade and rates are those of ELM's CTC cascade (``DecompCascadeCNMod``); the layers those of ELM's ground.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kiloland.land.vertical import ground_grid

POOLS: Final = ("litr1", "litr2", "litr3", "cwd", "soil1", "soil2", "soil3", "soil4")
LITTERS: Final = 4
"""The first pools (litter and coarse wood) have nitrogen and phosphorus of their own."""
CWD, SOIL3, SOIL4 = 3, 6, 7

RATES: Final = np.array(
    [1.20397, 0.0725707, 0.0140989, 0.0010005, 0.0725707, 0.0140989, 0.00140098, 0.000100005]
)
"""Potential turnover of the pools at 25 C, day-1."""
RESPIRED: Final = np.array([0.39, 0.55, 0.29, 0.0, 0.28, 0.46, 0.55, 1.0])
"""Respired fraction of what leaves each pool."""
RECEIVER: Final = (4, 5, 6, None, 5, 6, 7, None)
"""Pool that receives the rest; coarse wood has two, see ``CWD_PATHS``."""
CWD_PATHS: Final = ((1, 0.76), (2, 0.24))
SOIL_CN: Final = np.array([12.0, 12.0, 10.0, 10.0])
SOIL_CP: Final = np.array([360.0, 360.0, 500.0, 500.0])
LITTER_CP: Final = 900.0
"""C:P that litter from coarse wood must have, as in ELM."""

ACCELERATION: Final = np.array(
    [
        1.0,
        1.0,
        1.0,
        0.5 / (0.0010005 * 365.0),
        1.0,
        1.0,
        1.0 / (0.00140098 * 365.0),
        1.0 / (0.000100005 * 365.0),
    ]
)
"""ELM's factors of accelerated spinup: 1.37 for coarse wood, 1.956 and 27.4 for soil 3 and 4."""
MORTALITY_FACTOR: Final = 10.0

TISSUES: Final = ("leaf", "froot", "livestem", "deadstem", "livecroot", "deadcroot")
LEAF, FROOT, LIVESTEM, DEADSTEM, LIVECROOT, DEADCROOT = range(6)
SLOTS: Final = 4
"""Plant types a cell has at most."""
PLANT_TYPES: Final = 17

LAYERS: Final = 10
UPPER_LAYERS: Final = 5
"""Layers above 0.29 m, which share one store of water; the others share the second."""
_GRID = ground_grid()
NODE: Final = np.asarray(_GRID.node)
THICKNESS: Final = np.asarray(_GRID.thickness)
INTERFACE: Final = np.asarray(_GRID.interface)
ZONE: Final = np.array([0] * UPPER_LAYERS + [1] * (LAYERS - UPPER_LAYERS))
"""Store of water of each layer."""
ZONE_THICKNESS: Final = np.array([THICKNESS[:UPPER_LAYERS].sum(), THICKNESS[UPPER_LAYERS:LAYERS].sum()])

DAYS: Final = 365
SECONDS: Final = 86400.0
MIXING_DAYS: Final = 5
"""Vertical mixing is applied once in so many days."""
MONTH_LENGTHS: Final = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MONTH_OF_DAY: Final = np.repeat(np.arange(12), MONTH_LENGTHS)
FREEZING: Final = 273.15
