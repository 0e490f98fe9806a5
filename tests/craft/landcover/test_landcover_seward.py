"""The 72,083 real cells of the Seward Peninsula with the real climatology and a made-up raster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.craft.landcover import (
    ClimateRequest,
    LandCoverRequest,
    RasterPlan,
    craft_landcover,
    write_land_cover,
)
from kiloland.craft.surface.fractions import ordered_sum
from kiloland.files import open_dataset
from kiloland.grid import read_domain


@pytest.mark.slow
@pytest.mark.oracle
def test_the_seward_peninsula_with_the_real_climatology(shared: Path, tmp_path: Path) -> None:
    mask, points = (
        shared / "data/daymet/Daymet_NA_landmask.csv.gz",
        shared / "data/daymet/daymet_AK_all2.csv.gz",
    )
    climate = shared / "data/climate/BIOME4_inputdata.nc.gz"
    if not climate.is_file():
        pytest.skip("the climatology is absent")
    arguments = ["--grid", "daymet", "--land-mask", str(mask), "--points", str(points), "--coordinates", "xy"]
    assert main(["craft", "domain", *arguments, "-o", str(tmp_path / "domain.nc")]) == 0
    domain = read_domain(tmp_path / "domain.nc")
    write_land_cover(tmp_path / "r.tif", domain, RasterPlan(1000.0))
    request = LandCoverRequest(
        tmp_path / "r.tif",
        tmp_path / "domain.nc",
        tmp_path / "out.nc",
        ClimateRequest(f"{climate}:temp", scale=0.1),
    )
    summary = craft_landcover(request)
    assert summary.cells == 72_083
    with open_dataset(tmp_path / "out.nc") as dataset:
        coldest, known = dataset["coldest_month"].read(), dataset["known"].read() == 1
        plants, units = dataset["PCT_NAT_PFT"].read(), [dataset[n].read() for n in ("PCT_NATVEG", "PCT_CROP")]
        areas = dataset["class_area"].read()
        units += [dataset[name].read() for name in ("PCT_WETLAND", "PCT_LAKE", "PCT_GLACIER")]
        units = np.concatenate([np.stack(units), dataset["PCT_URBAN"].read()])
    # Nome's coldest month is near -15, the interior of Alaska's near -25 degC.
    assert -28.0 < coldest.min() < coldest.max() < -8.0
    assert known.mean() > 0.99
    for parts in (plants, units):
        assert np.abs(ordered_sum(parts[:, known] / 100.0) - 1.0).max() < 1e-14
    counted = summary.class_areas.sum() + summary.missing_area
    assert counted == pytest.approx(domain.area_km2.sum(), rel=1e-7)
    # Grass is arctic up to -19 degC; there only wetland (class 14) has the other C3 grass.
    cold = known & (coldest <= -19.0)
    natural = areas[[code not in (17, 18, 19) for code in range(1, 20)]].sum(axis=0)
    other = 100.0 * areas[13] / np.where(natural > 0.0, natural, 1.0)
    assert cold.sum() > 1000
    assert np.abs(plants[13] - other)[cold].max() < 1e-9
    assert plants[13, known & ~cold].sum() > other[known & ~cold].sum()
