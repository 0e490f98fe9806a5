"""Distances between numbers, against numpy's own and against exact arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiloland.verify.elements import Element, compare_block, ulp_distance
from kiloland.verify.streams import blocks

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, st.integers(0, 200))
def test_ulp_distance_counts_representable_steps(value: float, steps: int) -> None:
    other = np.float64(value)
    with np.errstate(over="ignore"):
        for _ in range(steps):
            other = np.nextafter(other, np.inf)
    if np.isfinite(other):
        assert int(ulp_distance(np.array([value]), np.array([other]))[0]) == steps
        assert int(ulp_distance(np.array([other]), np.array([value]))[0]) == steps


@pytest.mark.parametrize(
    ("a", "b", "steps"), [(0.0, -0.0, 0), (5e-324, -5e-324, 2), (-1.0, 1.0, 2 * 0x3FF0000000000000)]
)
def test_ulp_distance_across_zero(a: float, b: float, steps: int) -> None:
    assert int(ulp_distance(np.array([a]), np.array([b]))[0]) == steps


def test_ulp_distance_of_single_precision() -> None:
    a = np.array([1.0], np.float32)
    assert int(ulp_distance(a, np.nextafter(a, np.float32(2)))[0]) == 1


@given(st.lists(st.integers(0, 5), max_size=4), st.integers(1, 64))
def test_blocks_cover_every_element_once_and_stay_small(lengths: list[int], limit: int) -> None:
    shape = tuple(lengths)
    seen = np.zeros(shape, int)
    order = []
    numbers = np.arange(seen.size).reshape(shape)
    for index in blocks(shape, 8, limit):
        seen[index] += 1
        order += numbers[index].ravel().tolist()
        assert numbers[index].size * 8 <= max(limit, 8)
    assert (seen == 1).all()
    assert order == list(range(seen.size))


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=20))
def test_counts_and_extremes_agree_with_numpy(pairs: list[tuple[float, float]]) -> None:
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    found = compare_block(a, b, (0,), Element())
    differs = a.view("u8") != b.view("u8")
    assert found.different == np.count_nonzero(differs)
    if found.different:
        with np.errstate(over="ignore"):
            distance = np.where(differs, np.abs(a - b), -1.0)
        assert found.absolute is not None
        assert found.absolute.index == (int(np.argmax(distance)),)
        assert found.absolute.size == distance.max()
