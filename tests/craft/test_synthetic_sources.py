"""Made-up sources are labelled, are known as what they imitate, and pass their label on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.craft.forcing import samples
from kiloland.craft.forcing.request import ForcingSummary
from kiloland.craft.landuse.make import LandUseSummary
from kiloland.craft.sources import examine
from kiloland.craft.synthetic_sources import SyntheticKind, SyntheticRequest, craft_synthetic, grid_around
from kiloland.errors import InputError, OutputError
from kiloland.files import open_dataset
from kiloland.files.raster import open_raster
from kiloland.grid import DaymetGrid, build_domain, grid_from_text, write_domain

YEAR = 2012
SORTS = {
    "daymet": "daymet-daily",
    "reanalysis": "reanalysis",
    "maps": "three-hourly-maps",
    "surface": "surface-data",
    "landcover": "class-raster",
    "elevation": "height-raster",
    "points": "points",
    "landuse": "land-use-series",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A domain of 24 cells and every kind of source, each in a folder of its name."""
    folder = tmp_path_factory.mktemp("made")
    row, column = np.divmod(np.arange(24), 6)
    domain = build_domain(DaymetGrid(), (1337 + row) * DaymetGrid().columns + 1704 + column)
    write_domain(folder / "domain.nc", domain)
    for kind in SyntheticKind:
        output = folder / kind.value
        craft_synthetic(SyntheticRequest((kind,), folder / "domain.nc", output, YEAR), lambda text: None)
    return folder


def label(path: Path) -> str:
    match path.suffix:
        case ".nc":
            with open_dataset(path) as dataset:
                return str(dataset.attributes["comment"])
        case ".tif":
            with open_raster(path) as raster:
                return raster.comment
        case _:
            return path.read_text(encoding="utf-8").splitlines()[0]


def test_every_file_says_that_it_is_synthetic(made: Path) -> None:
    files = [path for kind in SyntheticKind for path in (made / kind.value).iterdir()]
    assert len(files) == 6 + 36 + 84 + 5
    for path in files:
        assert "Synthetic: made up" in label(path), path.name


@pytest.mark.parametrize("kind", [kind.value for kind in SyntheticKind])
def test_each_kind_is_recognised_and_valid(made: Path, kind: str) -> None:
    for path in sorted((made / kind).iterdir())[:6]:
        report = examine(path)
        assert report.kind is not None, path.name
        assert (report.kind.name, report.findings) == (SORTS[kind], ()), path.name


def test_the_same_arguments_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    kinds = tuple(kind for kind in SyntheticKind if kind is not SyntheticKind.MAPS)
    craft_synthetic(SyntheticRequest(kinds, made / "domain.nc", tmp_path, YEAR), lambda text: None)
    for kind in kinds:
        for path in (made / kind.value).iterdir():
            assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_daily_files_made_in_blocks_of_days_are_the_same(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "DAILY_BLOCK", 24 * 50)
    request = SyntheticRequest((SyntheticKind.DAYMET,), made / "domain.nc", tmp_path, YEAR)
    craft_synthetic(request, lambda text: None)
    for path in (made / "daymet").iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_label_follows_into_what_is_made_of_them(made: Path, tmp_path: Path) -> None:
    domain, weather = str(made / "domain.nc"), str(tmp_path / "forcing")
    commands = {
        "forcing": ["--source", str(made / "maps"), "--years", f"{YEAR}:{YEAR}"],
        "surface": ["--source", str(made / "surface/surfdata_0.5x0.5_synthetic.nc")],
        "landcover": ["--raster", str(made / "landcover/landcover_synthetic.tif"), "--climate", weather],
        "elevation": ["--raster", str(made / "elevation/elevation_synthetic.tif")],
        "points": ["--table", str(made / "points/points_synthetic.csv"), "--limit-km", "50"],
        "landuse": ["--source", str(made / "landuse/landuse_synthetic.nc")],
    }
    for name, options in commands.items():
        output = tmp_path / (name if name == "forcing" else f"{name}.nc")
        assert main(["craft", name, *options, "--domain", domain, "-o", str(output)]) == 0, name
        for path in sorted(output.glob("*.nc")) if output.is_dir() else [output]:
            with open_dataset(path) as dataset:
                assert "Synthetic: made up" in " ".join(map(str, dataset.attributes.values())), path.name


def test_terrain_of_the_elevation_product_stands_over_the_source(made: Path, tmp_path: Path) -> None:
    """All that `craft elevation` makes, the slope-aspect means included."""
    domain, terrain, surface = (
        str(path) for path in (made / "domain.nc", tmp_path / "t.nc", tmp_path / "s.nc")
    )
    raster = str(made / "elevation/elevation_synthetic.tif")
    source = str(made / "surface/surfdata_0.5x0.5_synthetic.nc")
    assert main(["craft", "elevation", "--raster", raster, "--domain", domain, "-o", terrain]) == 0
    options = ["--source", source, "--elevation", terrain, "--domain", domain, "-o", surface]
    assert main(["craft", "surface", *options]) == 0
    with open_dataset(terrain) as one, open_dataset(surface) as other:
        for name in ("TOPO", "STD_ELEV", "SLOPE", "SINSL_COSAS", "SINSL_SINAS"):
            assert np.array_equal(one[name].read(), other[name].read()), name


def test_half_degrees_around_places_cross_the_dateline_and_greenwich() -> None:
    over = grid_around(np.array([179.2, 181.3]), np.array([51.0, 52.0]))
    assert (over.longitude_first, over.columns, over.latitude_first, over.rows) == (178.0, 9, 50.0, 6)
    london = grid_around(np.array([359.9, 0.2]), np.array([51.5, 51.5]))
    assert (london.longitude_first, london.columns) == (358.5, 6)
    everywhere = grid_around(np.arange(0.0, 360.0, 2.0), np.linspace(-89.0, 89.0, 180))
    assert (everywhere.columns, everywhere.rows, everywhere.latitude_first) == (720, 360, -90.0)


def test_daily_files_of_another_grid_are_refused(tmp_path: Path) -> None:
    domain = build_domain(grid_from_text("regular:5,6,2,50,51,2"), np.arange(4))
    write_domain(tmp_path / "d.nc", domain)
    request = SyntheticRequest((SyntheticKind.DAYMET,), tmp_path / "d.nc", tmp_path / "out")
    with pytest.raises(InputError, match="need a domain on its grid"):
        craft_synthetic(request, lambda text: None)
    (tmp_path / "file").write_text("")
    request = SyntheticRequest((SyntheticKind.SURFACE,), tmp_path / "d.nc", tmp_path / "file")
    with pytest.raises(OutputError, match="cannot be made"):
        craft_synthetic(request, lambda text: None)


def test_a_megabyte_is_a_million_bytes_in_every_summary(tmp_path: Path) -> None:
    series = LandUseSummary(tmp_path, 1, (1, 2), 0, 5_000_000, (), (), 1.0)
    assert "5.0 MB" in series.lines()[0]
    weather = ForcingSummary(tmp_path, 1, bytes=5_000_000, seconds=2.0)
    assert weather.lines()[1] == "5.0 MB in 2.0 s (2.5 MB/s)"
