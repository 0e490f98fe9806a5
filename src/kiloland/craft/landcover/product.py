"""A land-cover file as a product that stands over the source of a surface file, checked first."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from kiloland.craft.landcover.shares import UNITS
from kiloland.craft.surface.fractions import ordered_sum
from kiloland.craft.surface.product import Product
from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.grid.base import BoolArray, FloatArray

SHARES: Final = (*UNITS, "PCT_URBAN", "PCT_NAT_PFT")
"""What a surface file takes from the land cover."""
SUM_TOLERANCE: Final = 1e-9
"""Percent by which shares of a file may miss 100."""
BLOCK: Final = 1 << 17


def landcover_product(landcover: Path, source: Path) -> Product:
    """The product of a file of ``kiloland craft landcover``, to be used over ``source``.

    Raises InputError where shares miss 100 percent together, for fractions in the place of percent, and for
    area of the crop land unit where the source has no crop types, which ELM refuses.
    """
    with open_dataset(landcover) as dataset, open_dataset(source) as surface:
        crops = "PCT_CFT" in surface
        for start in range(0, dataset.dimensions["gridcell"], BLOCK):
            cells = slice(start, min(start + BLOCK, dataset.dimensions["gridcell"]))
            known = dataset["known"].read(cells) != 0
            units = [np.atleast_2d(_stretch(dataset, name, cells)) for name in SHARES[:-1]]
            _check_sums(dataset, "land units", np.concatenate(units), known, start)
            _check_sums(dataset, "PCT_NAT_PFT", _stretch(dataset, "PCT_NAT_PFT", cells), known, start)
            if not crops and (_stretch(dataset, "PCT_CROP", cells)[known] > 0.0).any():
                raise InputError(
                    "the legend gives area to the crop land unit, but the source has no crop types",
                    file=source,
                    variable="PCT_CFT",
                    hint='Give such classes to the generic crop: unit "natural", plant = 15',
                )
    return Product(landcover, {name: name for name in SHARES})


def _stretch(dataset: Dataset, name: str, cells: slice) -> FloatArray:
    """Shares of a stretch of cells ``[..., cell]``."""
    lead = (slice(None),) * (len(dataset[name].shape) - 1)
    return np.asarray(dataset[name].values((*lead, cells)), np.float64)


def _check_sums(dataset: Dataset, what: str, shares: FloatArray, known: BoolArray, start: int) -> None:
    total = ordered_sum(shares)
    wrong = known & ~(np.abs(total - 100.0) <= SUM_TOLERANCE)
    if wrong.any():
        at = int(np.argmax(wrong))
        fractions = abs(float(total[at]) - 1.0) < 0.01
        raise InputError(
            "shares are given as fractions" if fractions else "shares do not sum to 100 percent",
            file=dataset.path,
            variable=what,
            where=f"cell {at + start} and {int(wrong.sum()) - 1} more",
            found=float(total[at]),
            expected="100 percent",
            hint="Multiply these variables by 100" if fractions else None,
        )
