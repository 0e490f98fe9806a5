"""Balances close, a leak stops the run, and sums over the domain do not depend on how it is cut."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_cases import NAME, leftovers, results, run, write_case

from kiloland.cli.main import main
from kiloland.grid import read_domain
from kiloland.land.ledger import BARS, BUDGETS, Ledger
from kiloland.land.state import LandState
from kiloland.land.step import StepOutput, step_with_bare_ground
from kiloland.land.subgrid import ColumnGroup, ColumnType, split_into_blocks
from kiloland.run import model
from kiloland.run.balance import join_ledgers, split_ledgers
from kiloland.run.case import SurfaceFlux
from kiloland.run.global_sum import exact_bins, global_sum
from kiloland.run.kinds import kinds_of
from kiloland.run.physics import BARE_GROUND


def test_all_budgets_close_in_every_column_and_step(inputs: Path, tmp_path: Path) -> None:
    result = run(inputs, tmp_path / "run", case__stop="0001-07-02-36000")
    assert set(result.balance) == set(BUDGETS)
    for name, error in result.balance.items():
        assert error <= BARS[name], name
    summary = json.loads((tmp_path / "run" / f"{NAME}.balance.json").read_text())
    for name in BUDGETS:
        assert summary[name]["largest_error"] == result.balance[name]
        scale = max(abs(summary[name]["entered"]), abs(summary[name]["accounted"]), 1.0)
        assert abs(summary[name]["entered"] - summary[name]["accounted"]) <= 1e-9 * scale, name
    assert summary["radiation"]["entered"] > 0.0, "the sun shines in July"


def without_physics(state: LandState, *others: object) -> tuple[LandState, StepOutput]:
    """A step in which nothing happens, quick to compile; its budgets close."""
    shapes = jax.eval_shape(step_with_bare_ground, state, *others)[1]
    return state, jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


def leaking(state: LandState, *others: object) -> tuple[LandState, StepOutput]:
    """The step with a leak: 1 mg m-2 of water vanishes from the sixth column of each block."""
    after, output = without_physics(state, *others)
    water = after.column.liquid_water.at[9, 5].add(-1e-6)
    columns = dataclasses.replace(after.column, liquid_water=water)
    return dataclasses.replace(after, column=columns), output


def losing_heat(state: LandState, *others: object) -> tuple[LandState, StepOutput]:
    """The step whose heat budget misses 1 mW m-2 in column 6 of each block."""
    after, output = without_physics(state, *others)
    budget = output.heat.budget
    wrong = dataclasses.replace(budget, residual=budget.residual.at[5].add(1e-3))
    return after, dataclasses.replace(output, heat=dataclasses.replace(output.heat, budget=wrong))


def losing_snow(state: LandState, *others: object) -> tuple[LandState, StepOutput]:
    """The step in which 1.8 mg m-2 of pond freeze, but not onto the snow, in column 6 of each block."""
    after, output = without_physics(state, *others)
    pond = output.heat.pond
    wrong = dataclasses.replace(pond, ice_formed=pond.ice_formed.at[5].add(1e-9))
    return after, dataclasses.replace(output, heat=dataclasses.replace(output.heat, pond=wrong))


def not_a_number(state: LandState, *others: object) -> tuple[LandState, StepOutput]:
    """The step that puts a NaN into the radiation of one patch of each block."""
    after, output = without_physics(state, *others)
    wrong = output.radiation.balance_error.at[5].set(jnp.nan)
    return after, dataclasses.replace(
        output, radiation=dataclasses.replace(output.radiation, balance_error=wrong)
    )


@pytest.mark.parametrize(
    ("broken", "budget"),
    [(leaking, "water"), (losing_heat, "heat"), (losing_snow, "snow"), (not_a_number, "radiation")],
)
def test_a_leak_stops_the_run_with_the_cell_and_the_dates(
    inputs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: Callable[..., object],
    budget: str,
) -> None:
    case = write_case(inputs, tmp_path / "run", case__stop="0001-07-01-43200", restart__every="6 hours")
    assert main(["run", str(case)]) == 0
    kept = {name: (tmp_path / "run" / name).read_bytes() for name in results(tmp_path / "run")}
    write_case(inputs, tmp_path / "run", case__stop="0001-07-02", restart__every="6 hours")
    capsys.readouterr()
    faulty = dataclasses.replace(BARE_GROUND, step=broken)
    kind = dataclasses.replace(kinds_of(SurfaceFlux.BARE_GROUND)[0], physics=faulty)
    monkeypatch.setattr(model, "kinds_of", lambda flux: (kind,))
    assert main(["resume", str(case)]) == 3
    message = capsys.readouterr().err
    assert f"the {budget} balance does not close" in message
    cell = read_domain(inputs / "domain.nc").gridcell_id[0 if broken is not_a_number else 5]
    assert f"does not close in 1 columns: gridcell {cell}, " in message
    assert re.search(r"soil column \d+, step 25 that ends 0001-07-01-45000: entered .*, accounted ", message)
    assert "the restart set of 0001-07-01-43200 is intact" in message
    assert "Traceback" not in message
    for name, content in kept.items():
        assert (tmp_path / "run" / name).read_bytes() == content, name
    assert leftovers(tmp_path / "run") == []
    monkeypatch.undo()
    assert main(["resume", str(case)]) == 0


def test_ledgers_of_blocks_join_and_split_without_a_change() -> None:
    count = 130
    rows = np.arange(count)
    group = ColumnGroup(
        type=ColumnType.SOIL,
        gridcell=rows,
        column_weight=np.ones(count),
        column_row=rows,
        patch_column=rows,
        patch_weight=np.ones(count),
        patch_type=np.zeros(count, np.int64),
        patch_row=rows,
    )
    blocks = split_into_blocks(group, 64)
    rng = np.random.default_rng(1)
    whole = {f"ledger_{f.name}": rng.normal(size=(len(BUDGETS), count)) for f in dataclasses.fields(Ledger)}
    again = join_ledgers(split_ledgers(whole, blocks), blocks)
    assert {name: values.tobytes() for name, values in again.items()} == {
        name: values.tobytes() for name, values in whole.items()
    }


@dataclass(frozen=True)
class FakeRanks:
    """Ranks that hold the other parts of a vector."""

    parts: tuple[np.ndarray, ...]

    def gather(self, mine: np.ndarray) -> list[np.ndarray]:
        return [mine, *(exact_bins(part) for part in self.parts)]


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e290, max_value=1e290)


@settings(deadline=None, max_examples=300)
@given(st.lists(NUMBERS, max_size=60), st.randoms(use_true_random=False), st.integers(1, 5))
def test_a_global_sum_is_the_exact_sum_in_any_order_and_any_split(
    values: list[float], random: object, ranks: int
) -> None:
    expected = math.fsum(values)
    random.shuffle(values)  # type: ignore[attr-defined]
    cuts = sorted(random.randint(0, len(values)) for _ in range(ranks - 1))  # type: ignore[attr-defined]
    parts = [np.array(part) for part in _cut(values, cuts)]
    found = global_sum(parts[0], FakeRanks(tuple(parts[1:])))  # type: ignore[arg-type]
    assert found == expected


def _cut(values: list[float], cuts: list[int]) -> list[list[float]]:
    edges = [0, *cuts, len(values)]
    return [values[a:b] for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1e308, 1e308, -1e308], 1e308),
        ([5e-324] * 3, 1.5e-323),
        ([1.0, 1e-30, -1.0], 1e-30),
        ([-0.0, 0.0], 0.0),
        ([], 0.0),
    ],
)
def test_a_global_sum_of_extreme_numbers_is_exact(values: list[float], expected: float) -> None:
    assert global_sum(np.array(values), FakeRanks(())) == expected  # type: ignore[arg-type]


def test_a_global_sum_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="not finite"):
        exact_bins(np.array([1.0, np.nan]))
