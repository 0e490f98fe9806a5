"""The budget of snow sees every way that water can take into a pack and out of it."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import pytest

from kiloland.land.biophysics.snow_water import SnowSurfaceWater
from kiloland.land.snow_ledger import SnowFlow, snow_budget

STEP = 1800.0
LEFT = 40.0 + (1.0 + 2.0 + 0.5 * (3.0 + 4.0 + 5.0)) * STEP - (6.0 + 7.0 + 0.5 * (8.0 + 9.0)) * STEP


def flow(**changed: object) -> SnowFlow:
    """Flows of a pack with a number of their own each, the pack at the end as they leave it."""

    def one(value: float) -> jnp.ndarray:
        return jnp.full(1, value)

    air = SnowSurfaceWater(
        frost=one(3.0), dew=one(4.0), rain=one(5.0), sublimation=one(8.0), evaporation=one(9.0)
    )
    closed = SnowFlow(
        before=one(40.0),
        after=one(LEFT + 10.0 - 11.0),
        snowfall=one(1.0),
        frozen_pond=one(2.0),
        exchange=air,
        covered=one(0.5),
        capped=jnp.zeros(1, bool),
        layerless_melt=one(6.0),
        outflow=one(7.0),
        ground_debt=one(-10.0),
        lost_layers=one(11.0),
    )
    return dataclasses.replace(closed, **changed)


def error(found: SnowFlow) -> float:
    return float(snow_budget(found, STEP).error[0])


def test_a_pack_that_is_what_its_flows_leave_closes() -> None:
    assert error(flow()) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("before", -1.0),
        ("after", 1.0),
        ("snowfall", -STEP),
        ("frozen_pond", -STEP),
        ("layerless_melt", STEP),
        ("outflow", STEP),
        ("ground_debt", 1.0),
        ("lost_layers", 1.0),
    ],
)
def test_water_that_a_flow_misses_is_the_error(name: str, factor: float) -> None:
    more = getattr(flow(), name) + 0.25
    assert error(flow(**{name: more})) == pytest.approx(0.25 * factor)


@pytest.mark.parametrize(
    ("name", "factor"),
    [("frost", -0.5), ("dew", -0.5), ("rain", -0.5), ("sublimation", 0.5), ("evaporation", 0.5)],
)
def test_the_air_counts_on_the_part_under_layers(name: str, factor: float) -> None:
    air = flow().exchange
    more = dataclasses.replace(air, **{name: getattr(air, name) + 0.25})
    assert error(flow(exchange=more)) == pytest.approx(0.25 * factor * STEP)


def test_a_full_pack_gains_nothing_from_the_air_but_loses_to_it() -> None:
    assert error(flow(capped=jnp.ones(1, bool))) == pytest.approx(0.5 * (3.0 + 4.0 + 5.0) * STEP)
