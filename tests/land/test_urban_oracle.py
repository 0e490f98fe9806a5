"""Towns against ELM: albedo of restarts, fluxes and states of single steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiloland.verify.oracle import PROCESSES, Verdict, read_material, run_oracle

pytestmark = pytest.mark.oracle

CASES = [
    ("urban albedo", "zoo/tundra/zjul", 14),
    pytest.param("urban fluxes", "zoo/temperate/zjan", 28, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("process", "run", "variables"), CASES)
def test_towns_are_those_of_elm(shared: Path, process: str, run: str, variables: int) -> None:
    material = read_material(shared / "data" / "elm")
    runs = [entry for entry in material.runs if entry.id == run]
    chosen = [entry for entry in PROCESSES if entry.name == process]
    outcome = run_oracle(material, runs, chosen)
    assert outcome.verdicts[Verdict.FAIL] == 0, outcome.rows
    assert outcome.verdicts[Verdict.PASS] >= variables
