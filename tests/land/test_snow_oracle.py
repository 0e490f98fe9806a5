"""Snow against ELM: layers, water, particles, grains and radiation of a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiloland.verify.oracle import PROCESSES, Verdict, read_material, run_oracle

pytestmark = pytest.mark.oracle

CASES = [
    ("snow albedo", "zoo/tundra/zjul", 6),
    ("snow on soil", "a6_cold_restart_each_step", 3),
    ("dry snow", "zoo/tundra/vjan", 18),
]


@pytest.mark.parametrize(("process", "run", "variables"), CASES)
def test_snow_is_that_of_elm(shared: Path, process: str, run: str, variables: int) -> None:
    material = read_material(shared / "data" / "elm")
    runs = [entry for entry in material.runs if entry.id == run]
    chosen = [entry for entry in PROCESSES if entry.name == process]
    outcome = run_oracle(material, runs, chosen)
    assert outcome.verdicts[Verdict.FAIL] == 0, outcome.rows
    assert outcome.verdicts[Verdict.PASS] == variables
