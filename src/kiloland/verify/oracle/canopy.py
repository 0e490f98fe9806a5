"""The checks of the canopy: each recomputes steps from restart and site forcing and compares one part."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from kiloland.atmosphere.site import read_site_record
from kiloland.errors import InputError
from kiloland.verify.canopy_exchange import (
    answered_differences,
    bare_fields,
    canopy_fields,
    canopy_state_differences,
    exchange_differences,
    photosynthesis_fields,
)
from kiloland.verify.canopy_step import ComparedSteps, canopy_steps
from kiloland.verify.canopy_water import (
    canopy_water_differences,
    ground_cover_differences,
    water_stress_differences,
)
from kiloland.verify.oracle.bench import Bench
from kiloland.verify.oracle.rows import Finding
from kiloland.verify.radiation import Difference


def canopy_water(bench: Bench) -> Iterator[Finding]:
    """Interception, wetness and precipitation onto the ground."""
    compared = _recomputed(bench)
    yield from _placed(compared, canopy_water_differences(compared))


def ground_cover(bench: Bench) -> Iterator[Finding]:
    """Shares of ground under snow and water."""
    compared = _recomputed(bench)
    yield from _placed(compared, ground_cover_differences(compared))


def water_stress(bench: Bench) -> Iterator[Finding]:
    """Roots, water stress and uptake."""
    compared = _recomputed(bench)
    yield from _placed(compared, water_stress_differences(compared))


def leaf_photosynthesis(bench: Bench) -> Iterator[Finding]:
    """Photosynthesis and stomatal resistance of sunlit and shaded leaves."""
    compared = _recomputed(bench)
    yield from _placed(compared, exchange_differences(compared, photosynthesis_fields(compared.result)))


def canopy_exchange(bench: Bench) -> Iterator[Finding]:
    """Leaf temperature, fluxes of canopy and of the ground below it."""
    compared = _recomputed(bench)
    yield from _placed(compared, canopy_state_differences(compared))
    yield from _placed(compared, exchange_differences(compared, canopy_fields(compared.result)))
    yield from _placed(compared, answered_differences(compared))


def bare_patches(bench: Bench) -> Iterator[Finding]:
    """Fluxes of patches without exposed vegetation, with snow too."""
    compared = _recomputed(bench)
    yield from _placed(compared, exchange_differences(compared, bare_fields(compared.result), bare=True))


def _recomputed(bench: Bench) -> ComparedSteps:
    steps = bench.steps
    for step in steps:
        if "T10_VALUE" not in step.before.values:
            raise InputError("variable missing", file=step.before.path, variable="T10_VALUE")
    return canopy_steps(bench, steps, read_site_record(bench.site_forcing))


def _placed(compared: ComparedSteps, found: Iterable[tuple[int, Difference]]) -> Iterator[Difference]:
    for number, item in found:
        if item.compared:
            name = compared.steps[number].before.path.name
            yield dataclasses.replace(item, place=f"{name} {item.place}")
