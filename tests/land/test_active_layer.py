"""The active layer: depths between nodes, taliks, the year of the record, and ELM's restarts."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.land.biophysics.active_layer import (
    ActiveLayer,
    active_layer,
    cold_thaw_record,
    record_thaw,
    year_opened,
)
from kiloland.land.vertical import ground_grid
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.material import read_material
from kiloland.verify.oracle.rows import Skipped
from kiloland.verify.oracle.tapes import Shelf
from kiloland.verify.running_means import thaw

NODE = ground_grid().node


def profile(*values: float) -> jax.Array:
    """Temperatures in C from the top, the last one down to the bottom, as K ``[layer, 1]``."""
    rows = [*values, *[values[-1]] * (15 - len(values))]
    return 273.15 + jnp.asarray(rows)[:, None]


@pytest.mark.parametrize(
    ("temperature", "depth", "layer"),
    [
        (profile(-1.0), 0.0, 0),
        (profile(1.0), NODE[14], 15),
        (profile(0.0), 0.0, 0),
        (profile(2.0, 1.0, -1.0), 0.5 * (NODE[1] + NODE[2]), 2),
        (profile(-5.0, -5.0, 3.0, -1.0), NODE[2] + 0.75 * (NODE[3] - NODE[2]), 3),
    ],
    ids=["frozen", "thawed", "at freezing", "between nodes", "talik"],
)
def test_depth_of_thaw(temperature: jax.Array, depth: float, layer: int) -> None:
    found = active_layer(temperature)
    np.testing.assert_allclose(found.depth, depth, rtol=1e-12)
    assert int(found.layer[0]) == layer


def test_depth_has_finite_gradients_where_all_is_frozen() -> None:
    slope = jax.grad(lambda t: active_layer(t).depth.sum())(profile(-1.0))
    assert np.all(np.isfinite(slope))


def test_the_year_begins_in_january_north_and_in_july_south() -> None:
    latitude = jnp.asarray([60.0, 0.0, -30.0])
    assert year_opened(latitude, 1, 1, 1800, 1800).tolist() == [True, False, False]
    assert year_opened(latitude, 7, 1, 1800, 1800).tolist() == [False, True, True]
    for moment in ((1, 1, 3600), (1, 2, 1800), (3, 1, 1800), (1, 1, 0)):
        assert not any(year_opened(latitude, *moment, 1800).tolist())


def test_the_record_moves_to_the_last_year_and_starts_again() -> None:
    record = cold_thaw_record(2)
    for depth in (0.5, 1.25, 0.75):
        entry = ActiveLayer(jnp.full(2, depth), jnp.full(2, int(depth * 4)))
        record = record_thaw(record, entry, jnp.asarray([False, False]))
    entry = ActiveLayer(jnp.full(2, 0.25), jnp.full(2, 1))
    record = record_thaw(record, entry, jnp.asarray([True, False]))
    assert record.deepest.tolist() == [0.25, 1.25]
    assert record.deepest_layer.tolist() == [1, 5]
    assert record.last_year.tolist() == [1.25, 0.0]
    assert record.last_year_layer.tolist() == [5, 0]


@pytest.mark.oracle
@pytest.mark.parametrize(
    "run",
    [
        "w6_winter_restart_each_step",
        "a6_cold_restart_each_step",
        "zoo/tundra/zjul",
        "zoo/tundra/vjan",
        "zoo/temperate/vjan",
    ],
)
def test_the_record_of_the_next_restart_bit_for_bit(shared: Path, run: str) -> None:
    material = read_material(shared / "data" / "elm")
    entry = next(item for item in material.runs if item.id == run)
    found = [item for item in thaw(Bench(entry, material, Shelf())) if not isinstance(item, Skipped)]
    assert {item.variable for item in found} >= {"altmax", "altmax_indx", "altmax_lastyear"}
    assert max(item.largest_absolute for item in found) == 0.0
