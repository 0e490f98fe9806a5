"""Evidence for water on the canopy, snow cover, ponds and water stress, against tapes and restarts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kiloland.land.biophysics.pond_cover import LEAST_POND
from kiloland.verify.canopy_step import ComparedSteps
from kiloland.verify.radiation import Difference, difference
from kiloland.verify.temperature import Mask, column_mean, restart_ground

DEW_FIELDS = ("QFLX_DEW_SNOW", "QFLX_DEW_GRND", "QFLX_RAIN_GRND")
"""What falls and condenses on a pack; with it the memory of accumulated snow grows later in the step."""


def canopy_water_differences(compared: ComparedSteps) -> Iterator[tuple[int, Difference]]:
    """Interception, wetness and precipitation onto the ground of all patches, by number of the step."""
    found = compared.result.interception
    ours = {
        "QINTR": found.intercepted,
        "QFLX_RAIN_GRND": found.rain_to_ground,
        "QFLX_SNOW_GRND": found.snow_to_ground,
        "QSNWCPLIQ": found.capped_rain,
        "FWET": found.wet_fraction,
        "FDRY": found.dry_fraction,
    }
    for number, (step, group) in enumerate(zip(compared.steps, compared.groups, strict=True)):
        for name, values in ours.items():
            if name in step.tape:
                yield (
                    number,
                    difference(name, compared.on_patches(values, number), step.patches(name, group)),
                )


def ground_cover_differences(compared: ComparedSteps) -> Iterator[tuple[int, Difference]]:
    """Share of ground under snow and water of the next restart; columns that keep their pack.

    Dew and rain on a layered pack, from the tape, are added to the memory of accumulated snow; columns with a
    pond are left out there, since its ice joins the pack.
    """
    pond = compared.result.pond
    for number, (step, group) in enumerate(zip(compared.steps, compared.groups, strict=True)):
        kept = keeps_pack(compared, number)
        ours = {
            "frac_sno": compared.on_columns(pond.snow_fraction, number),
            "frac_sno_eff": compared.on_columns(pond.state.effective_snow_fraction, number),
            "FH2OSFC": compared.on_columns(pond.state.pond_fraction, number),
        }
        for name, values in ours.items():
            reference = np.asarray(step.after.values[name], np.float64)[group.column_row]
            chosen = kept if name != "FH2OSFC" else np.ones_like(kept)
            yield number, difference(name, values, reference, chosen)
        if all(name in step.tape for name in DEW_FIELDS):
            total = sum(step.patches(name, group) for name in DEW_FIELDS)
            fallen = np.asarray(column_mean(np.asarray(total), group)) * step.timestep
            layered = compared.on_columns(pond.state.snow_index, number) < 0
            fallen = np.where(layered, fallen * ours["frac_sno_eff"], 0.0)
            memory = compared.on_columns(pond.state.accumulated_snow, number) + fallen
            reference = np.asarray(step.after.values["INT_SNOW"], np.float64)[group.column_row]
            dry = np.asarray(restart_ground(step.before, group).pond_water) <= LEAST_POND
            yield number, difference("INT_SNOW", memory, reference, kept & dry)


def water_stress_differences(compared: ComparedSteps) -> Iterator[tuple[int, Difference]]:
    """Root shares, water stress and uptake of patches with exposed vegetation.

    ELM leaves the resistance of a layer that gives nothing as it was; it is compared in the others.
    """
    result = compared.result
    ours = {"BTRAN": result.stress.factor, "ROOTFR": result.roots, "ROOTR": result.stress.uptake}
    for number, (step, group) in enumerate(zip(compared.steps, compared.groups, strict=True)):
        exposed = exposed_patches(compared, number)
        for name, values in ours.items():
            if name in step.tape:
                mine = compared.on_patches(values, number)
                stored = step.patches(name, group)
                reference = stored[: mine.shape[0]] if mine.ndim == 2 else stored
                yield number, difference(name, mine, reference, np.broadcast_to(exposed, mine.shape))
        stored = np.asarray(step.after.values["btran2"], np.float64)[group.patch_row]
        total = compared.on_patches(result.stress.total_water_factor, number)
        yield number, difference("btran2", total, stored, exposed)
        if "RRESIS" in step.tape:
            mine = compared.on_patches(result.stress.resistance, number)
            reference = step.patches("RRESIS", group)[: mine.shape[0]]
            yield number, difference("RRESIS", mine, reference, exposed & (mine > 0.0))


def exposed_patches(compared: ComparedSteps, number: int) -> Mask:
    """Patches with vegetation above the snow."""
    exposed: Mask = compared.on_patches(compared.batch.state.patch.vegetation_exposed, number) > 0
    return exposed


def keeps_pack(compared: ComparedSteps, number: int) -> Mask:
    """Columns that have, at the end of a step, snow if they had it after the snowfall, and else none."""
    step, group = compared.steps[number], compared.groups[number]
    after = np.asarray(restart_ground(step.after, group).snow_water) > 0.0
    during = compared.on_columns(compared.result.pond.state.snow_water, number) > 0.0
    kept: Mask = after == during
    return kept
