"""A surface file of ``craft surface`` becomes maps that other tools read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray

from kiloland.cli.main import main
from kiloland.files import open_dataset


def kiloland(*words: object) -> None:
    assert main(["-q", *map(str, words)]) == 0


def test_a_crafted_surface_file_is_shown_as_maps_with_months(tmp_path: Path) -> None:
    domain, surface, maps = (tmp_path / name for name in ("domain.nc", "surf.nc", "map.nc"))
    box = "--box=-165.2,64.9,-165.1,64.95"
    kiloland("craft", "domain", "--grid", "daymet", "--all-land", box, "-o", domain)
    kiloland("craft", "synthetic", "surface", "--domain", domain, "-o", tmp_path)
    (source,) = tmp_path.glob("surfdata*.nc")
    kiloland("craft", "surface", "--source", source, "--domain", domain, "-o", surface)
    kiloland("export", surface, "--to", "netcdf-2d", "-o", maps)
    with open_dataset(surface) as listed, xarray.open_dataset(maps) as shown:
        assert shown["MONTHLY_LAI"].dims == ("month", "lsmpft", "y", "x")
        assert shown["month"].values.tolist() == list(range(1, 13))
        ids = shown["gridID"].values
        for cell, number in enumerate(listed["gridID"].read().tolist()):
            (row, column) = np.argwhere(ids == number)[0]
            found = shown["PCT_SAND"].values[:, row, column]
            np.testing.assert_array_equal(found, listed["PCT_SAND"].read()[:, cell])
