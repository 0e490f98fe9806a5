"""The sets of processes that a run can compute on a kind of column: step, history fields, budgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from kiloland.land.biophysics.unvegetated_ground import GroundKind
from kiloland.land.biophysics.urban_albedo import urban_albedo
from kiloland.land.fields import FIELDS, Field, FieldContext
from kiloland.land.full_fields import FULL_FIELDS, water_stress
from kiloland.land.full_inputs import LandConstants
from kiloland.land.full_ledger import full_budgets
from kiloland.land.full_means import Advance, Moment, PatchValues, Read, Tracked, tracked_step
from kiloland.land.full_other_fields import MEAN_FIELDS, THAW_FIELDS
from kiloland.land.full_step import FullOutput, step_of_water_and_energy
from kiloland.land.full_step import renew_albedo as renew_full_albedo
from kiloland.land.ice_fields import ICE_FIELDS, ice_budgets, ice_values
from kiloland.land.ice_step import ice_step, renew_ice_albedo
from kiloland.land.lake_fields import LAKE_FIELDS, lake_budgets, lake_values, step_of_lakes
from kiloland.land.lake_radiation import renew_lake_albedo
from kiloland.land.ledger import BARS, Budget, budgets_of_step
from kiloland.land.state import LandState
from kiloland.land.step import Settings, renew_albedo, step_with_bare_ground
from kiloland.land.subgrid import BlockIndex
from kiloland.land.urban_fields import (
    TOWN_RADIATION_BAR,
    URBAN_FIELDS,
    TownColumns,
    of_town,
    step_of_towns,
    urban_budgets,
    urban_values,
)
from kiloland.land.urban_parts import UrbanConstants
from kiloland.land.urban_town import by_surface

Budgets = Callable[[Any, Any, Any, Any, Any, Settings], tuple[Budget, ...]]
"""From the states before and after a step, its output, its inputs, constants and settings."""
Albedo = Callable[[Any, Float[Array, " column"], Any], Any]
"""The state with the albedos of a zenith, given with the constants."""


# Compared by identity: one object for each set, so that compiled code is found again.
@dataclass(frozen=True, eq=False)
class Physics:
    """A set of processes. Inputs of a step, constants and output are of the types that its step takes."""

    step: Callable[[Any, Any, Any, Settings], tuple[Any, Any]]
    fields: Mapping[str, Field]
    context: Callable[[Any, Any, Any, Any], FieldContext]
    """From the state after a step, its output, its inputs and the constants."""
    budgets: Budgets
    albedo: Albedo
    index: Callable[[Any], BlockIndex | None]
    """Which patch stands on which column, from the constants; None where every column has one patch."""
    bars: Mapping[str, float] = field(default_factory=lambda: BARS)
    """Largest error of each budget in a step of a column."""


def _index(constants: Any) -> BlockIndex:
    index: BlockIndex = constants.index
    return index


BARE_GROUND = Physics(
    step=step_with_bare_ground,
    fields=FIELDS,
    context=FieldContext,
    budgets=lambda before, after, output, inputs, constants, settings: budgets_of_step(
        before, after, output, constants, settings
    ),
    albedo=renew_albedo,
    index=_index,
)


def _tracked(
    advance: Advance,
    read: Read,
    fields: Mapping[str, Field],
    budgets: Budgets,
    albedo: Albedo,
    index: Callable[[Any], BlockIndex | None] = lambda constants: None,
    bars: Mapping[str, float] = BARS,
) -> Physics:
    """A step of some kind of column with running means; `budgets` and `albedo` see the state without them."""

    def of_patch(constants: Any) -> Any:
        found = index(constants)
        return None if found is None else found.patch_column

    def context(state: Tracked, output: Any, moment: Moment, constants: Any) -> FieldContext:
        return FieldContext(state.land, output, moment.surroundings.weather, constants, state.means)

    def all_budgets(
        before: Tracked, after: Tracked, output: Any, moment: Moment, constants: Any, settings: Settings
    ) -> tuple[Budget, ...]:
        return budgets(before.land, after.land, output, moment.surroundings, constants, settings)

    def renewed(state: Tracked, zenith: Float[Array, " column"], constants: Any) -> Tracked:
        return replace(state, land=albedo(state.land, zenith, constants))

    return Physics(
        step=partial(tracked_step, advance, read, of_patch),
        fields={**fields, **MEAN_FIELDS},
        context=context,
        budgets=all_budgets,
        albedo=renewed,
        index=index,
        bars=bars,
    )


def _soil_values(state: LandState, output: FullOutput) -> PatchValues:
    patch = state.patch
    return PatchValues(
        screen_temperature=patch.screen_temperature,
        leaf_temperature=patch.leaf_temperature,
        sunlit_fraction=patch.sunlit_fraction,
        leaf_area=patch.leaf_area,
        water_stress=water_stress(output),
    )


def _soil_albedo(state: LandState, zenith: Float[Array, " column"], constants: LandConstants) -> LandState:
    return renew_full_albedo(state, zenith, constants)


def _ice(kind: GroundKind) -> Physics:
    return _tracked(
        partial(ice_step, kind=kind),
        ice_values,
        ICE_FIELDS,
        lambda before, after, output, around, constants, settings: ice_budgets(
            before, after, output, around, settings
        ),
        partial(renew_ice_albedo, kind=kind),
    )


def _town_albedo(
    state: TownColumns, zenith: Float[Array, " column"], constants: UrbanConstants
) -> TownColumns:
    town, sun = state.town, of_town(zenith)
    albedo = urban_albedo(
        constants.parameters, sun, by_surface(town.snow_fraction), by_surface(town.snow_water)
    )
    return replace(state, town=replace(town, albedo=albedo, cosine_zenith=jnp.asarray(sun)))


FULL = _tracked(
    step_of_water_and_energy,
    _soil_values,
    {**FULL_FIELDS, **THAW_FIELDS},
    full_budgets,
    _soil_albedo,
    index=_index,
)
LAKE = _tracked(
    step_of_lakes,
    lake_values,
    LAKE_FIELDS,
    lambda before, after, output, around, constants, settings: lake_budgets(before, output, around, settings),
    lambda state, zenith, constants: renew_lake_albedo(state, zenith, constants.optics),
)
LAND_ICE = _ice(GroundKind.GLACIER)
WETLAND = _ice(GroundKind.WETLAND)
TOWN = _tracked(
    step_of_towns,
    urban_values,
    URBAN_FIELDS,
    lambda before, after, output, around, constants, settings: urban_budgets(
        before, after, output, around, settings
    ),
    _town_albedo,
    bars={**BARS, "radiation": TOWN_RADIATION_BAR},
)
