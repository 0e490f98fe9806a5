"""The embedded default: real formats, sound numbers, the same bytes for a seed, and a label everywhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from kiloland.atmosphere import (
    ModelTimes,
    Places,
    StreamSource,
    TimeCycle,
    calendar_day,
    check_forcing_file,
    cosine_zenith,
    declination,
    orbital_parameters,
)
from kiloland.atmosphere.derive import saturation_specific_humidity
from kiloland.atmosphere.streams import daymet_streams
from kiloland.craft.synthetic import make_synthetic_case, synthetic_domain
from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.grid import DaymetGrid, check_domain, read_domain, read_land_mask
from kiloland.run.case import read_case
from kiloland.run.parameters import read_parameters
from kiloland.run.surface import read_surface

CELLS = 12
MONTH = 30 * 86_400


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_synthetic_case(tmp_path_factory.mktemp("synthetic"), cells=CELLS, days=3, seed=4)


def source_of(case_file: Path) -> StreamSource:
    case = read_case(case_file)
    domain = read_domain(case.input.domain)
    table = case.atmosphere
    cycle = TimeCycle(table.year_first, table.year_last, table.year_align)
    places = Places(domain.longitude, domain.latitude, domain.gridcell_id)
    return StreamSource.open(
        daymet_streams(table.path, cycle, prefix=table.prefix), places, orbital_parameters(1990)
    )


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_case_names_files_that_exist(case: Path) -> None:
    settings = read_case(case)
    paths = (
        settings.input.domain,
        settings.input.surface,
        settings.input.parameters,
        settings.atmosphere.path,
    )
    assert all(path.exists() for path in paths)
    assert settings.stop - settings.start == 3 * 86_400


def test_every_file_says_that_it_is_synthetic(case: Path) -> None:
    files = sorted(case.parent.rglob("*.nc"))
    assert len(files) == 5 + 7 * 12
    for path in files:
        with open_dataset(path) as dataset:
            assert "synthetic" in str(dataset.attributes["title"]).lower(), path
            assert str(dataset.attributes["comment"]).startswith("Synthetic"), path
            assert dataset.format == "CDF-5"
    assert "Synthetic" in case.read_text().splitlines()[0]
    assert read_case(case).case.name == "synthetic"


def test_cells_are_true_daymet_cells_ordered_by_id(case: Path) -> None:
    domain = read_domain(case.parent / "domain.nc")
    check_domain(domain)
    grid = DaymetGrid()
    assert domain.number_of_cells == CELLS
    assert domain.ordered
    assert np.array_equal(grid.locate(domain.longitude, domain.latitude), domain.gridcell_id)
    assert domain.area_km2 == pytest.approx(np.full(CELLS, 0.923), abs=0.002)


@pytest.mark.oracle
def test_the_largest_block_is_land_in_daymets_mask(shared: Path) -> None:
    grid = DaymetGrid()
    mask = read_land_mask(shared / "data/daymet/Daymet_NA_landmask.csv.gz", grid)
    assert np.isin(synthetic_domain(7500).gridcell_id, mask.ids).all()


def test_the_surface_passes_the_reader_and_sums_exactly(case: Path) -> None:
    domain = read_domain(case.parent / "domain.nc")
    surface = read_surface(case.parent / "surfdata.nc", np.arange(CELLS), domain.longitude, domain.latitude)
    with open_dataset(case.parent / "surfdata.nc") as dataset:
        assert set(dataset["PCT_NAT_PFT"].read().sum(axis=0).tolist()) == {100.0}
        assert not dataset["URBAN_REGION_ID"].read().any()
    assert np.abs(surface.plant_share.sum(axis=0) - 1.0).max() <= 1.0e-14
    assert len(np.unique(surface.plant_share, axis=1).T) > 1, "all cells have the same plants"
    assert surface.leaf_area is not None
    july, january = surface.leaf_area[6], surface.leaf_area[0]
    assert (july[11:13] > 2.0 * january[11:13]).all()


def test_plant_parameters_are_those_of_elm(case: Path) -> None:
    parameters = read_parameters(case.parent / "clm_params_synthetic.nc")
    assert len(parameters.type_names) == 17
    assert parameters.type_names[12] == "c3_arctic_grass"
    assert float(parameters.optics.leaf_angle_index[12]) == -0.3
    assert float(parameters.optics.stem_transmittance[1, 16]) == 0.25
    assert float(parameters.structure.roughness_ratio[4]) == 0.075


def test_no_check_finds_a_fault_in_the_weather(case: Path) -> None:
    files = sorted((case.parent / "weather").glob("*.nc"))
    assert [str(finding) for path in files for finding in check_forcing_file(path)] == []


def test_weather_is_physical(case: Path) -> None:
    source = source_of(case)
    for start in (0, 181 * 86_400):
        forcing = source.load(ModelTimes(start, 10_800, MONTH // 10_800), np.arange(CELLS))
        saturation = saturation_specific_humidity(forcing.temperature, forcing.pressure)
        assert (forcing.specific_humidity < saturation).all()
        assert (forcing.specific_humidity > 0.3 * saturation).all()
        wet = (forcing.rain + forcing.snow) > 0.0
        assert 0.02 < wet.mean() < 0.6
        assert forcing.temperature.std(axis=0).min() > 2.0, "weather does not change"


def test_shortwave_follows_the_sun(case: Path) -> None:
    source = source_of(case)
    times = ModelTimes(181 * 86_400, 1800, 48)
    forcing = source.load(times, np.arange(CELLS))
    day = calendar_day(times.starts)[:, None]
    orbit = orbital_parameters(1990)
    delta, distance = declination(orbit, day)
    places = source.places
    cosine = cosine_zenith(day, np.radians(places.longitude), np.radians(places.latitude), delta)
    assert (forcing.shortwave_down[cosine <= 0.0] == 0.0).all()
    above = 1361.0 * distance * np.maximum(cosine, 0.0)
    high = cosine > 0.3
    share = forcing.shortwave_down[high] / above[high]
    assert share.min() > 0.2
    assert share.max() < 0.8


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", 4), ("second", 4), ("other", 5)):
        make_synthetic_case(tmp_path / name, cells=3, days=1, seed=seed)
    first, second, other = (digests(tmp_path / name) for name in ("first", "second", "other"))
    assert first == second
    differing = {name for name in first if first[name] != other[name]}
    assert differing >= {"surfdata.nc", "weather/clmforc.synthetic.1km.1d.TBOT.0001-07.nc"}


def test_a_cell_does_not_depend_on_the_size_of_the_block(tmp_path: Path, case: Path) -> None:
    large = make_synthetic_case(tmp_path, cells=30, days=1, seed=4).parent
    for name, path in (
        ("PCT_SAND", "surfdata.nc"),
        ("TBOT", "weather/clmforc.synthetic.1km.1d.TBOT.0001-01.nc"),
    ):
        with open_dataset(case.parent / path) as few, open_dataset(large / path) as many:
            assert np.array_equal(few[name].read()[..., 0], many[name].read()[..., 0])


@pytest.mark.parametrize(("cells", "days"), [(0, 1), (7501, 1), (3, 0)])
def test_impossible_sizes_are_refused(tmp_path: Path, cells: int, days: int) -> None:
    with pytest.raises(InputError, match="found"):
        make_synthetic_case(tmp_path, cells=cells, days=days)
    assert not list(tmp_path.iterdir())
