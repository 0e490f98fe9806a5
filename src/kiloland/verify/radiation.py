"""Evidence for radiation: recompute what ELM's restarts and per-step tapes hold, and say how far off.

Albedos of a restart follow from the state in the same restart (zenith, leaf and stem area, wetness, leaf
temperature, soil water, snow); fluxes of step n follow from the albedos of restart n and the incident
radiation in record n of a per-step tape. Only active soil columns and their patches are compared.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import Dataset
from kiloland.land.biophysics.albedo import (
    CanopyRadiation,
    CanopySurface,
    GroundAlbedo,
    soil_albedo,
    surface_albedo,
    surface_water_content,
)
from kiloland.land.biophysics.surface_radiation import (
    SNOW_ROWS,
    IncidentRadiation,
    SurfaceRadiation,
    surface_radiation,
)
from kiloland.land.parameters import Parameters
from kiloland.land.state import LandState
from kiloland.land.step import canopy_of, ground_albedo_of, snow_of
from kiloland.land.subgrid import ColumnGroup
from kiloland.land.vertical import ground_grid
from kiloland.run.restart import Restart, load_state, soil_columns
from kiloland.variables import error_scale, simulated_variables

Values = NDArray[np.float64]

FILL = 1.0e35
"""Tape entries above this are fill."""
INCIDENT = (("FSDSVD", "FSDSND"), ("FSDSVI", "FSDSNI"))
"""Tape fields of incident radiation: direct and diffuse, visible and near infrared."""


@dataclass(frozen=True)
class Difference:
    """How far our values of one variable are from ELM's.

    `largest_relative` is the largest |a - b| / max(|b|, scale), the measure that bars are set for; NaN on
    one side counts as infinite.
    """

    variable: str
    compared: int
    unequal: int
    largest_absolute: float
    largest_relative: float
    scale: float
    place: str
    """Where the largest relative difference is: axis positions in our compact arrays."""


def difference(
    variable: str, ours: Values, reference: Values, mask: NDArray[np.bool_] | None = None
) -> Difference:
    """Compare two arrays of one variable, where `mask` holds (everywhere by default)."""
    if ours.shape != reference.shape:
        raise ValueError(f"{variable}: shapes {ours.shape} and {reference.shape}")
    chosen = np.ones(ours.shape, bool) if mask is None else mask.astype(bool)
    scale = error_scale(variable)
    with np.errstate(invalid="ignore"):
        gap = np.where(ours == reference, 0.0, np.abs(ours - reference))
    gap = np.where(chosen, np.where(np.isnan(gap), math.inf, gap), 0.0)
    relative = gap / np.maximum(np.abs(np.where(np.isfinite(reference), reference, 0.0)), scale)
    worst = np.unravel_index(int(np.argmax(relative)), relative.shape) if relative.size else ()
    return Difference(
        variable=variable,
        compared=int(chosen.sum()),
        unequal=int((gap > 0.0).sum()),
        largest_absolute=float(gap.max(initial=0.0)),
        largest_relative=float(relative.max(initial=0.0)),
        scale=scale,
        place=str(tuple(int(axis) for axis in worst)),
    )


def merge(differences: Iterable[Difference]) -> dict[str, Difference]:
    """One entry per variable: counts added, the largest difference kept with its place."""
    merged: dict[str, Difference] = {}
    for new in differences:
        old = merged.get(new.variable)
        if old is None:
            merged[new.variable] = new
            continue
        worse = new if new.largest_relative > old.largest_relative else old
        merged[new.variable] = Difference(
            variable=new.variable,
            compared=old.compared + new.compared,
            unequal=old.unequal + new.unequal,
            largest_absolute=max(old.largest_absolute, new.largest_absolute),
            largest_relative=worse.largest_relative,
            scale=new.scale,
            place=worse.place,
        )
    return merged


def recomputed_albedo(
    state: LandState, group: ColumnGroup, colour: NDArray[np.integer], parameters: Parameters
) -> tuple[GroundAlbedo, CanopyRadiation]:
    """The albedo set of a state, anew; `colour` is the soil colour class of each gridcell."""
    column, patch = state.column, state.patch
    water = surface_water_content(
        column.liquid_water[SNOW_ROWS], column.ice[SNOW_ROWS], float(ground_grid().thickness[0])
    )
    recomputed: tuple[GroundAlbedo, CanopyRadiation] = _surface_albedo(
        parameters.optics.gather(jnp.asarray(group.patch_type)),
        CanopySurface(
            leaf_area=patch.leaf_area,
            stem_area=patch.stem_area,
            wet_fraction=patch.wet_fraction,
            leaf_temperature=patch.leaf_temperature,
        ),
        snow_of(column),
        soil_albedo(jnp.asarray(colour[group.gridcell]), water),
        column.snow_fraction,
        column.cosine_zenith,
        jnp.asarray(group.patch_column),
    )
    return recomputed


def albedo_differences(
    restart: Restart, colour: NDArray[np.integer], parameters: Parameters
) -> list[Difference]:
    """Recompute every albedo and canopy fraction of a restart from its own state.

    `colour` is the soil colour class of each gridcell of the restart. The first restart of a cold start
    is of no use here: no albedo has been computed yet (its zenith is fill), an `InputError` says so.
    """
    group = soil_columns(restart)
    state = load_state(restart, group)
    if bool(jnp.any(jnp.abs(state.column.cosine_zenith) > 1.0)):
        raise InputError(
            "no albedo has been computed yet: the zenith is not a cosine",
            file=restart.path,
            variable="coszen",
            found=float(jnp.max(state.column.cosine_zenith)),
            expected="-1 to 1",
        )
    ground, canopy = recomputed_albedo(state, group, colour, parameters)
    ours = {f"column.{field.name}": getattr(ground, field.name) for field in fields(ground)}
    ours |= {f"patch.{field.name}": getattr(canopy, field.name) for field in fields(canopy)}
    return [
        difference(
            variable.name,
            np.asarray(ours[variable.state]),
            np.asarray(operator.attrgetter(variable.state)(state)),
        )
        for variable in simulated_variables()
        if variable.state in ours
    ]


def flux_differences(restart: Restart, tape: Dataset, record: int) -> list[Difference]:
    """Recompute the absorbed and reflected radiation of a step and compare with its tape record.

    `restart` is the state at the start of the step, `tape` a per-step tape at patch level (`h1`). Fields
    that the tape lacks are left out. `balance` is incident minus absorbed minus reflected, against 0.
    """
    group = soil_columns(restart)
    state = load_state(restart, group)
    radiation = step_radiation(state, group, tape, record)
    found = []
    for name, ours in tape_fields(radiation, state, group).items():
        if name not in tape:
            continue
        reference = _on_patches(tape, name, record, group)
        found.append(difference(name, ours, reference, reference < FILL))
    imbalance = np.asarray(radiation.balance_error)
    return [*found, difference("balance", imbalance, np.zeros_like(imbalance))]


def mean_flux_differences(restart: Restart, tape: Dataset, means: Dataset, record: int) -> list[Difference]:
    """The same for gridcell means (`h0`), in cells that are one soil column altogether."""
    group = soil_columns(restart)
    state = load_state(restart, group)
    radiation = step_radiation(state, group, tape, record)
    whole = np.flatnonzero(group.column_weight == 1.0)
    found = []
    for name, ours in tape_fields(radiation, state, group).items():
        if name not in means or name == "PARVEGLN" or ours.ndim != 1:
            continue
        average = np.zeros(group.columns)
        np.add.at(average, group.patch_column, ours * group.patch_weight)
        reference = np.asarray(means[name].read(record), np.float64)[group.gridcell]
        found.append(difference(name, average[whole], reference[whole]))
    return found


def step_radiation(state: LandState, group: ColumnGroup, tape: Dataset, record: int) -> SurfaceRadiation:
    """Absorbed and reflected radiation of a step under the incident radiation of a tape record."""
    direct, diffuse = (
        jnp.asarray(np.stack([_on_patches(tape, name, record, group) for name in names]))
        for names in INCIDENT
    )
    radiation: SurfaceRadiation = _surface_radiation(
        canopy_of(state.patch),
        ground_albedo_of(state.column),
        snow_of(state.column),
        IncidentRadiation(direct=direct, diffuse=diffuse),
        state.patch.leaf_area,
        -state.column.snow_index,
        jnp.asarray(group.patch_column),
    )
    return radiation


def tape_fields(radiation: SurfaceRadiation, state: LandState, group: ColumnGroup) -> Mapping[str, Values]:
    """What ELM calls the parts of the result on its tapes; inactive snow layers are fill."""
    ground, light = radiation.ground, radiation.light
    layers = -np.asarray(state.column.snow_index)[group.patch_column]
    active = np.arange(SNOW_ROWS)[:, None] >= SNOW_ROWS - layers
    by_name = {
        "SABV": radiation.absorbed_by_vegetation,
        "SABG": ground.absorbed,
        "SABG_PEN": ground.penetrating,
        "FSA": radiation.absorbed,
        "FSR": radiation.reflected,
        "FSRVD": radiation.reflected_direct[0],
        "FSRND": radiation.reflected_direct[1],
        "FSRVI": radiation.reflected_diffuse[0],
        "FSRNI": radiation.reflected_diffuse[1],
        "PARVEGLN": radiation.absorbed_visible_by_vegetation,
        "LAISUN": light.sunlit_leaf_area,
        "LAISHA": light.shaded_leaf_area,
        "FSUN": light.sunlit_fraction,
        "SNO_ABS": jnp.where(active, ground.absorbed_by_layer[:SNOW_ROWS], np.nan),
    }
    return {name: np.asarray(values) for name, values in by_name.items()}


_surface_albedo = jax.jit(surface_albedo)
_surface_radiation = jax.jit(surface_radiation)


def _on_patches(tape: Dataset, name: str, record: int, group: ColumnGroup) -> Values:
    return np.asarray(tape[name].read(record), np.float64)[..., group.patch_row]
