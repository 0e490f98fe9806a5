"""``kiloland craft domain``: real domains by the command line, and refusals that say what to do."""

from __future__ import annotations

import gzip
import json
import shutil

import netCDF4
import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.files import open_dataset
from kiloland.grid import DaymetGrid, read_domain

GRID = "daymet_lcc:-3.29075e+06,4.2905e+06,1000,80,60"


@pytest.fixture
def mask(tmp_path):
    """Land but for columns 30 to 39 of 60 x 80 cells by the Bering Strait."""
    land = np.ones((60, 80), dtype=int)
    land[:, 30:40] = 0
    path = tmp_path / "mask.csv"
    path.write_text(",".join(map(str, land.ravel())))
    return path


@pytest.fixture
def craft(mask, tmp_path, capsys):
    """Run the command; the exit code, the file, and what was printed."""

    def run(*arguments, grid=GRID, land=("--land-mask", mask)):
        output = tmp_path / "domain.nc"
        code = main(
            ["craft", "domain", "--grid", grid, *map(str, land), *map(str, arguments), "-o", str(output)]
        )
        return code, output, "\n".join(capsys.readouterr())

    return run


def points(folder, *lines):
    path = folder / "points.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_all_land_of_a_grid(craft):
    code, output, text = craft()
    assert code == 0
    domain = read_domain(output)
    assert domain.number_of_cells == 60 * 70
    assert "4200 land cells" in text
    assert f"area {domain.area_km2.sum():.3f} km2" in text


def test_ids_in_any_order_and_repeated(craft, tmp_path):
    code, output, text = craft("--ids", points(tmp_path, "99", "7", "99", "18"))
    assert code == 0
    assert read_domain(output).gridcell_id.tolist() == [7, 18, 99]
    assert "cell 99 was asked for 2 times" in text


def test_a_box_that_begins_with_a_western_longitude(craft):
    code, output, _ = craft("--box", "-180.2,65.8,-179.5,66.2")
    assert code == 0
    longitude = read_domain(output).longitude
    assert longitude.min() >= 179.8
    assert longitude.max() <= 180.5


def test_a_polygon_with_a_hole_in_two_dimensions(craft, tmp_path):
    outer = [[179.4, 65.8], [180.4, 65.8], [180.4, 66.2], [179.4, 66.2], [179.4, 65.8]]
    hole = [[179.6, 65.9], [179.6, 66.1], [180.2, 66.1], [180.2, 65.9], [179.6, 65.9]]
    path = tmp_path / "region.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [outer, hole]}))
    code, output, _ = craft("--polygon", path, "--two-dimensional")
    assert code == 0
    domain = read_domain(output)
    assert domain.shape[0] > 1
    assert domain.number_of_cells == domain.shape[0] * domain.shape[1]
    land = domain.land()
    in_hole = (np.abs(land.longitude - 179.9) < 0.3) & (np.abs(land.latitude - 66.0) < 0.1)
    assert not in_hole.any()
    assert 0 < land.number_of_cells < domain.number_of_cells


def test_points_outside_end_the_work_unless_they_are_dropped(craft, tmp_path):
    x, y = DaymetGrid(60, 80, -3_290_750.0, 4_290_500.0).centres_xy(np.array([7, 35, 8]))
    path = points(tmp_path, *(f"{a},{b}" for a, b in zip(x, y, strict=True)))
    code, output, text = craft("--points", path, "--coordinates", "xy")
    assert code == 2
    assert not output.exists()
    assert "request 2" in text
    assert "km away" in text
    assert "--drop-outside" in text
    code, output, text = craft("--points", path, "--coordinates", "xy", "--drop-outside")
    assert code == 0
    assert read_domain(output).gridcell_id.tolist() == [7, 8]
    assert "is not on land" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--box", "-100,40,-99,41"), "no land cell in the selection"),
        (("--box", "10,60,20,50"), "south below north"),
        (("--box", "10,60,20"), "W,S,E,N"),
        (("--points", "{folder}/points.csv"), "--points needs --coordinates"),
        (("--points", "{folder}/absent.csv", "--coordinates", "xy"), "absent.csv"),
        (("--ids", "{folder}/absent.csv"), "absent.csv"),
        (("--polygon", "{folder}/absent.geojson"), "absent.geojson"),
    ],
)
def test_unusable_requests_exit_with_2_and_leave_nothing(craft, tmp_path, arguments, message):
    code, output, text = craft(*(argument.format(folder=tmp_path) for argument in arguments))
    assert code == 2
    assert message in text
    assert not output.exists()


@pytest.mark.parametrize(
    ("option", "lines", "message"),
    [
        (
            "--points",
            ("lon,lat", "179.9"),
            "points.csv: header and lines differ (found lines of 1 columns, expected 2",
        ),
        ("--points", ("lon,lat", "1,179.9,66"), "differ (found lines of 3 columns, expected 2: lon, lat"),
        ("--points", ("lon,lat", "179.9,66", "179.9"), "points.csv: is no table of numbers"),
        ("--ids", ("7", "9" * 23), "points.csv: id 2: no id is so large (found 1e+23"),
        ("--ids", ("7", "nan"), "points.csv: id 2: an id is no whole number (found nan"),
    ],
)
def test_lists_that_are_no_lists_are_one_message(craft, tmp_path, option, lines, message):
    path = points(tmp_path, *lines)
    code, output, text = craft(option, path, *(["--coordinates", "lonlat"] if option == "--points" else []))
    assert code == 2
    assert message in text
    assert len(text.strip().splitlines()) == 1
    assert not output.exists()


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("daymet_lcc:-3.29075e+06,4.2905e+06,1000,80.5,60", "numbers of cells are whole (found 80.5"),
        ("regular:0,360,36,-90,90,18.2", "numbers of cells are whole (found 18.2"),
        ("regular:0,nan,36,-90,90,18", "a grid needs finite numbers (found regular:0,nan,36,-90,90,18"),
    ],
)
def test_a_grid_that_cannot_be_is_named(craft, grid, message):
    code, output, text = craft(grid=grid, land=("--all-land",))
    assert code == 2
    assert message in text
    assert not output.exists()


def test_a_box_with_an_edge_that_is_no_number_is_named(craft):
    code, output, text = craft("--box", "nan,65,180,66")
    assert code == 2
    assert "a box is W,S,E,N in degrees (found nan,65,180,66)" in text
    assert not output.exists()


def test_geojson_in_the_wrong_coordinate_order_is_named(craft, tmp_path):
    ring = [[65.8, 179.4], [65.8, 180.4], [66.2, 180.4], [65.8, 179.4]]
    path = tmp_path / "region.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    code, _, text = craft("--polygon", path)
    assert code == 2
    assert "latitude, longitude" in text


def test_a_mask_of_another_grid_is_refused(craft):
    code, _, text = craft(grid="daymet")
    assert code == 2
    assert "another number of cells" in text


def test_a_global_grid_without_a_mask(craft):
    code, output, _ = craft("--two-dimensional", grid="regular:0,360,36,-90,90,18", land=("--all-land",))
    assert code == 0
    domain = read_domain(output)
    assert domain.shape == (18, 36)
    assert domain.area.sum() == pytest.approx(4 * np.pi, rel=1e-13)


def test_the_file_tells_its_origin_but_no_path(craft, mask, tmp_path):
    craft("--box", "179,65,181,67")
    with open_dataset(tmp_path / "domain.nc") as file:
        text = " ".join(map(str, file.attributes.values()))
        assert file.attributes["land_mask"] == mask.name
        assert len(file.attributes["land_mask_sha256"]) == 64
        assert file.attributes["selection"].startswith("box")
    assert str(tmp_path) not in text


def test_the_same_request_gives_the_same_bytes(craft, tmp_path):
    _, output, _ = craft()
    first = output.read_bytes()
    _, output, _ = craft()
    assert output.read_bytes() == first


@pytest.mark.oracle
@pytest.mark.parametrize("coordinates", ["xy", "lonlat"])
def test_the_seward_peninsula(craft, shared, coordinates):
    folder = shared / "data" / "daymet"
    land = ("--land-mask", folder / "Daymet_NA_landmask.csv.gz")
    path = folder / "daymet_AK_all2.csv.gz"
    code, output, text = craft("--points", path, "--coordinates", coordinates, grid="daymet", land=land)
    assert code == 0
    assert "72083 land cells" in text
    with gzip.open(path, "rt") as lines:
        longitude, latitude, x, y = np.loadtxt(lines, delimiter=",").T
    ids = ((4_984_000 - y) / 1000 * 7814 + (x + 4_560_250) / 1000).astype(np.int64)
    order = np.argsort(ids)
    with netCDF4.Dataset(output) as file:
        assert np.array_equal(file["gridID"][0], ids[order])
        assert np.array_equal(file["xc_LCC"][0], x[order])
        assert np.array_equal(file["yc_LCC"][0], y[order])
        # 1 m is 9e-6 degrees of latitude, and 2.3e-5 degrees of longitude at 67N.
        assert np.abs(file["xc"][0] - longitude[order]).max() < 2.3e-5
        assert np.abs(file["yc"][0] - latitude[order]).max() < 9e-6
        assert (file["mask"][0] == 1).all()
        total = float(file["area"][0].sum()) * 6371.22**2
    assert total == pytest.approx(66_294.885, abs=0.01)


@pytest.mark.oracle
def test_a_real_forcing_file_gives_grid_and_land(craft, shared, tmp_path):
    path = shutil.copy(shared / "data" / "daymet" / "TES_NORTHACCESS_domain.nc", tmp_path)
    code, output, _ = craft(grid=str(path), land=("--land-mask", f"{path}:FSDS"))
    assert code == 0
    assert read_domain(output).number_of_cells == 259_535


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path):
    code = main(
        [
            "craft",
            "domain",
            "--grid",
            "regular:0,4,4,0,4,4",
            "--all-land",
            "-o",
            str(tmp_path / "no" / "d.nc"),
        ]
    )
    assert code == 4
    assert not (tmp_path / "no").exists()
