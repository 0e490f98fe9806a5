"""Cells that move again in the proof of rest are stepped on, a few times, each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kiloland.spinup.generator import simulate as simulation
from kiloland.spinup.generator.climate import Climate, chosen, synthetic_climate
from kiloland.spinup.generator.simulate import PROOFS, TAUS, BlockResult, BlockSettings, Proof, Rest, simulate

CELLS = 6
SETTINGS = BlockSettings(seed=3, member=0, cycle_years=1, tolerance=0.01, most_cycles=2, block=4)
SETTLES_NEEDED = np.array([1.0, 2.0, 3.0, 99.0, 1.0, 2.0])
"""Times that each cell must be brought to rest until its proof holds."""
RESTLESS = 4
"""A cell that never rests in pseudo-time; to prove it again would tell nothing."""


class Stepping:
    """Stands in for the model: a state counts how often its cell was brought to rest."""

    def __init__(self, cells: Climate) -> None:
        self.place = {int(number): row for row, number in enumerate(cells.identity)}
        self.settled: list[list[int]] = []
        self.begins: list[int] = []

    def rows(self, climate: Climate) -> np.ndarray:
        return np.array([self.place[int(number)] for number in climate.identity])

    def accelerate(self, climate: Climate, settings: BlockSettings) -> tuple[np.ndarray, ...]:
        nothing = np.zeros(len(climate.identity))
        return nothing, nothing + 0.5, nothing, nothing

    def settle(
        self,
        climate: Climate,
        start: np.ndarray,
        settings: BlockSettings,
        say: Callable[[str], None],
        *,
        begin: int = 0,
    ) -> Rest:
        rows = self.rows(climate)
        self.settled.append(rows.tolist())
        self.begins.append(begin)
        # Each plain cycle before is half of what one more rest takes.
        return Rest(np.ceil(start), np.full(rows.size, 10.0), rows != RESTLESS)  # type: ignore[arg-type]

    def proven(self, climate: Climate, final: np.ndarray, settings: BlockSettings) -> Proof:
        needed = SETTLES_NEEDED[self.rows(climate)]
        drift = np.where(final < needed, -1.0, 0.001)
        drift[final + 1.0 == needed] = np.nan
        return Proof(final + 0.5, 2.0 * final, (drift, 3.0 * drift, 4.0 * drift), 5.0 * final)  # type: ignore[arg-type]


@pytest.fixture
def proved(monkeypatch: pytest.MonkeyPatch) -> tuple[BlockResult, Stepping]:
    climate = synthetic_climate(1.0)
    cells = climate.take(chosen(climate, CELLS))
    stepping = Stepping(cells)
    monkeypatch.setattr(simulation, "accelerate_block", stepping.accelerate)
    monkeypatch.setattr(simulation, "settle", stepping.settle)
    monkeypatch.setattr(simulation, "proven", stepping.proven)
    return simulate(cells, SETTINGS), stepping


def test_cells_that_move_in_the_proof_go_back_to_further_steps(
    proved: tuple[BlockResult, Stepping],
) -> None:
    _, stepping = proved
    assert stepping.settled == [[0, 1, 2, 3, 4, 5], [1, 2, 3, 5], [2, 3], [3]]
    assert len(stepping.settled) == 1 + PROOFS
    # They are near their rest: the short steps of the start are not for them.
    assert stepping.begins == [0, *[len(TAUS)] * PROOFS]


def test_what_is_handed_over_is_the_last_proof_of_every_cell(
    proved: tuple[BlockResult, Stepping],
) -> None:
    result, _ = proved
    times = np.array([1.0, 2.0, 3.0, 4.0, 1.0, 2.0])
    np.testing.assert_array_equal(result.cycles, 10.0 * times)
    np.testing.assert_array_equal(result.final, times + 0.5)
    np.testing.assert_array_equal(result.final_tape, 2.0 * times)
    np.testing.assert_array_equal(result.churn, 5.0 * times)
    assert (np.abs(result.drift) < SETTINGS.tolerance).tolist() == [True, True, True, False, True, True]
    np.testing.assert_array_equal(result.drift_p, 4.0 * result.drift)
