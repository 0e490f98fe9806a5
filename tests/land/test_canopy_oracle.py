"""Canopy processes against ELM: single steps in summer and winter, from restart and site forcing alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiloland.verify.oracle import read_material
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.canopy import bare_patches, canopy_exchange, ground_cover
from kiloland.verify.oracle.tapes import Shelf
from kiloland.verify.radiation import Difference, merge

pytestmark = pytest.mark.oracle

RUNS = ("zoo/temperate/vjul", "zoo/tundra/zjan")


@pytest.mark.parametrize("run", RUNS)
def test_leaf_temperature_and_fluxes_are_those_of_elm(shared: Path, run: str) -> None:
    material = read_material(shared / "data" / "elm")
    bench = Bench(next(entry for entry in material.runs if entry.id == run), material, Shelf())
    for check, bar in ((ground_cover, 1e-11), (canopy_exchange, 1e-8), (bare_patches, 1e-11)):
        found = merge(item for item in check(bench) if isinstance(item, Difference))
        assert found
        worst = max(found.values(), key=lambda item: item.largest_relative)
        assert worst.largest_relative < bar, (worst.variable, worst.place)
