"""A genuine forcing file on longitude and latitude: its axes, stamps and units go through the same reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.atmosphere.fields import FIELDS, check_units
from kiloland.craft.forcing.convert import samples_of_month
from kiloland.craft.forcing.maps import read_maps
from kiloland.craft.forcing.output import Month
from kiloland.craft.forcing.places import match_cells
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid import RegularGrid, build_domain

pytestmark = pytest.mark.oracle
STEP = 1.0 / 24.0


def test_the_genuine_file_is_read_by_cells(shared: Path) -> None:
    with open_dataset(shared / "data/daymet/TES_NORTHACCESS_domain.nc") as dataset:
        variable = dataset["FSDS"]
        assert check_units(FIELDS["FSDS"], variable.attributes["units"], "file") == []
        rows, columns = variable.shape[1:]
        half = STEP / 2
        grid = RegularGrid(-119 - half, -64 + half, columns, 42 - half, 60 + half, rows)
        values = variable.values()[0]
        land = np.flatnonzero(np.isfinite(values.ravel()))
        assert 0 < land.size < rows * columns
        domain = build_domain(grid, land)
        places = match_cells(dataset, variable, domain, grid)
        found = [part for _, _, part in read_maps(variable, places, np.array([0]), 1 << 20)]
        np.testing.assert_array_equal(
            np.concatenate(found, axis=1)[0], values.ravel()[land].astype(np.float32)
        )


def test_its_stamp_is_the_middle_of_the_first_interval_and_the_rest_is_missed(shared: Path) -> None:
    with (
        open_dataset(shared / "data/daymet/TES_NORTHACCESS_domain.nc") as dataset,
        pytest.raises(InputError, match=r"2099-12-01 03:00:00.*247 of 248|not regular"),
    ):
        samples_of_month(dataset, Month(2099, 12), "FSDS")
