"""The whole step where it is hard: nothing undefined, every balance closed, over days of four weathers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hard_columns import (
    CASES,
    COLUMNS,
    PLACES,
    advance_day,
    case_values,
    hard_constants,
    hard_state,
    weather_of_day,
)

from kiloland.land.ledger import BUDGETS
from kiloland.land.state import LandState

DAYS = 3
BARS = {"heat": 1e-7, "radiation": 1e-7, "surface": 1e-7, "water": 1e-9, "snow": 1e-9}


@dataclass(frozen=True)
class Outcome:
    """After the days: the state, and per column the worst of every budget and what was not finite."""

    start: LandState
    state: LandState
    errors: np.ndarray
    undefined: np.ndarray
    leaf_error: np.ndarray


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    constants = hard_constants()
    start = state = hard_state(constants)
    day, errors, undefined, leaves = weather_of_day(), [], np.zeros(COLUMNS, int), []
    for _ in range(DAYS):
        state, error, missing, leaf = advance_day(state, day, constants)
        errors.append(np.asarray(error))
        leaves.append(np.asarray(leaf))
        undefined = undefined + np.asarray(missing)
    return Outcome(start, state, np.max(errors, axis=0), undefined, np.max(leaves, axis=0))


def columns_of(case: str) -> list[int]:
    return [number for number, (name, _) in enumerate(PLACES) if name == case]


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_undefined(case: str, outcome: Outcome) -> None:
    assert outcome.undefined[columns_of(case)].sum() == 0


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("budget", BUDGETS)
def test_budgets_close(budget: str, case: str, outcome: Outcome) -> None:
    errors = outcome.errors[BUDGETS.index(budget), columns_of(case)]
    worst = {PLACES[column][1]: error for column, error in zip(columns_of(case), errors, strict=True)}
    assert errors.max() <= BARS[budget], worst


@pytest.mark.parametrize("case", CASES)
def test_leaves_balance_their_energy(case: str, outcome: Outcome) -> None:
    assert outcome.leaf_error[columns_of(case)].max() <= BARS["heat"]


def test_water_stays_between_none_and_all_pores(outcome: Outcome) -> None:
    column = outcome.state.column
    for name in ("liquid_water", "ice", "pond_water", "snow_water", "aquifer_water"):
        assert float(np.asarray(getattr(column, name)).min()) >= -1e-12, name
    assert float(np.asarray(outcome.state.patch.canopy_water).min()) >= 0.0


def test_temperatures_stay_between_those_of_earth(outcome: Outcome) -> None:
    ground = np.asarray(outcome.state.column.temperature)[5:]
    leaves = np.asarray(outcome.state.patch.leaf_temperature)
    for values in (ground, leaves):
        assert values.min() > 180.0
        assert values.max() < 360.0


def test_the_cases_are_what_they_say(outcome: Outcome) -> None:
    pack = np.asarray(outcome.start.column.snow_water)
    assert (pack[columns_of("1,000 mm of snow")] == 1000.0).all()
    assert (np.asarray(outcome.start.column.snow_index)[columns_of("1,000 mm of snow")] == -5).all()
    assert (case_values("wind")[columns_of("zero wind")] == 0.0).all()
    assert (np.asarray(outcome.state.column.cosine_zenith)[columns_of("polar night")] < 0.0).all()
    assert (np.asarray(outcome.state.patch.albedo_direct)[:, columns_of("polar night")] <= 1.0).all()
