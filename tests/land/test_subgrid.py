"""Columns and patches: blocks cover a group exactly, and averages do not depend on how it is cut."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiloland.land.subgrid import (
    LANES,
    ColumnGroup,
    ColumnType,
    column_to_gridcell,
    patch_to_column,
    round_up,
    split_into_blocks,
)


def made_group(columns: int, seed: int, *, cells: int | None = None) -> ColumnGroup:
    """Columns with one to seventeen patches each, their weights summing to one."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 18, columns)
    patch_column = np.repeat(np.arange(columns), counts)
    weight = rng.random(len(patch_column)) + 0.01
    weight /= np.bincount(patch_column, weights=weight)[patch_column]
    kinds = np.concatenate([np.sort(rng.choice(17, count, replace=False)) for count in counts])
    gridcell = np.arange(columns) if cells is None else np.sort(rng.integers(0, cells, columns))
    return ColumnGroup(
        type=ColumnType.SOIL,
        gridcell=gridcell,
        column_weight=rng.random(columns) + 0.1,
        column_row=np.arange(columns),
        patch_column=patch_column,
        patch_weight=weight,
        patch_type=kinds,
        patch_row=np.arange(len(patch_column)),
    )


SIZES = st.integers(1, 300)
WIDTHS = st.sampled_from([64, 128, 1024])
SEEDS = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=40)
@given(SIZES, WIDTHS, SEEDS)
def test_blocks_hold_every_column_and_patch_once_and_have_equal_sizes(
    columns: int, width: int, seed: int
) -> None:
    group = made_group(columns, seed)
    blocks = split_into_blocks(group, width)
    assert [n for b in blocks for n in range(b.columns.start, b.columns.stop)] == list(range(columns))
    assert [n for b in blocks for n in range(b.patches.start, b.patches.stop)] == list(range(group.patches))
    assert len({(len(b.column_take), len(b.patch_take), b.index.slot_patch.shape) for b in blocks}) == 1
    for block in blocks:
        assert len(block.column_take) % LANES == len(block.patch_take) % LANES == 0
        assert len(block.column_take) <= max(width, LANES)
        real = block.columns.stop - block.columns.start
        assert (block.column_take[real:] == block.columns.stop - 1).all(), "padding repeats the last member"
        np.testing.assert_array_equal(
            np.asarray(block.index.patch_column), group.patch_column[block.patch_take] - block.columns.start
        )
        np.testing.assert_array_equal(np.asarray(block.index.patch_type), group.patch_type[block.patch_take])
        total = np.asarray(block.index.slot_weight).sum(axis=0)
        np.testing.assert_allclose(total, 1.0, rtol=1e-14)


@settings(deadline=None, max_examples=10)
@given(SIZES, SEEDS)
def test_the_mean_over_patches_is_the_same_bits_in_blocks_of_any_width(columns: int, seed: int) -> None:
    group = made_group(columns, seed)
    values = np.random.default_rng(seed + 1).normal(size=(2, group.patches)) * 1e3
    results = []
    for width in (64, 128, 1024):
        blocks = split_into_blocks(group, width)
        parts = [
            np.asarray(patch_to_column(jnp.asarray(values[:, b.patch_take]), b.index))[
                :, : b.columns.stop - b.columns.start
            ]
            for b in blocks
        ]
        results.append(np.concatenate(parts, axis=1))
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()
    for column in range(min(columns, 20)):
        own = group.patch_column == column
        for level in range(2):
            exact = math.fsum(group.patch_weight[own] * values[level, own])
            scale = float(np.abs(group.patch_weight[own] * values[level, own]).sum())
            assert results[0][level, column] == pytest.approx(exact, abs=1e-14 * scale)


def test_what_an_unused_slot_points_to_never_counts() -> None:
    group = made_group(3, 5)
    block = split_into_blocks(group, 64)[0]
    values = np.ones(len(block.patch_take))
    values[group.patches :] = np.nan
    first_patch_is_wrong = values.copy()
    first_patch_is_wrong[0] = np.nan
    mean = np.asarray(patch_to_column(jnp.asarray(values), block.index))
    np.testing.assert_allclose(mean[:3], 1.0, rtol=1e-15)
    mean = np.asarray(patch_to_column(jnp.asarray(first_patch_is_wrong), block.index))
    assert np.isnan(mean[0])
    np.testing.assert_allclose(mean[1:3], 1.0, rtol=1e-15)


def test_the_mean_over_a_constant_is_that_constant_in_cells_of_many_columns() -> None:
    group = made_group(200, 9, cells=60)
    mean = column_to_gridcell(np.full((3, 200), 280.25), group.gridcell, group.column_weight, 60)
    there = np.isin(np.arange(60), group.gridcell)
    np.testing.assert_allclose(mean[:, there], 280.25, rtol=1e-15)
    assert np.isnan(mean[:, ~there]).all(), "a cell without a column has no mean"


def test_the_mean_over_columns_is_weighted() -> None:
    group = made_group(200, 10, cells=60)
    values = np.random.default_rng(3).normal(size=200)
    mean = column_to_gridcell(values, group.gridcell, group.column_weight, 60)
    for cell in np.unique(group.gridcell):
        own = group.gridcell == cell
        expected = np.average(values[own], weights=group.column_weight[own])
        assert mean[cell] == pytest.approx(expected, rel=1e-12, abs=1e-13)


def test_the_only_column_of_a_cell_passes_without_a_rounding() -> None:
    group = made_group(50, 11)
    values = np.random.default_rng(4).normal(size=(2, 50))
    assert column_to_gridcell(values, group.gridcell, group.column_weight, 50).tobytes() == values.tobytes()


@pytest.mark.parametrize(("value", "result"), [(0, 64), (1, 64), (64, 64), (65, 128), (1000, 1024)])
def test_sizes_round_up_to_at_least_one_multiple(value: int, result: int) -> None:
    assert round_up(value, LANES) == result


@pytest.mark.parametrize("width", [0, 63, 100])
def test_a_width_that_is_no_multiple_is_refused(width: int) -> None:
    with pytest.raises((ValueError, ZeroDivisionError)):
        split_into_blocks(made_group(5, 1), width or 1)
