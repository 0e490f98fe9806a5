"""What snow buries of plants that grew: the exposed area of ELM's restarts."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from kiloland.land.full_burial import bury
from kiloland.run.restart import load_state, read_restart, soil_columns
from kiloland.verify.full_evidence import plants_of

pytestmark = pytest.mark.oracle

LAST_SHRUB = 11


@pytest.mark.parametrize(
    "path",
    [
        "w6_winter_restart_each_step/spr.elm.r.0016-01-01-00000.nc.gz",
        "m3_snowmelt45day_perstep/r.0016-04-15.nc.gz",
        "q4_lai_1yr/r.start.0008-01-01.nc.gz",
        "zoo/temperate/vjan/r.step24.nc.gz",
        "zoo/tundra/zjan/r.step48.nc.gz",
    ],
)
def test_exposed_leaves_and_stems_are_those_of_elm(shared: Path, path: str) -> None:
    restart = read_restart(shared / "data/elm" / path)
    group = soil_columns(restart)
    state = load_state(restart, group)
    of_patch = group.patch_column
    woody = jnp.asarray((group.patch_type > 0) & (group.patch_type <= LAST_SHRUB))
    found = bury(
        plants_of(restart, group),
        woody,
        state.column.snow_depth[of_patch],
        state.column.snow_fraction[of_patch],
    )
    assert float(state.column.snow_depth.max()) > 0.0
    for name in ("leaf_area", "stem_area"):
        np.testing.assert_allclose(getattr(found, name)[0], getattr(state.patch, name), rtol=1e-15)
    np.testing.assert_array_equal(found.exposed[0], state.patch.vegetation_exposed)
