"""``kiloland craft subset``: cells by id in the order of the domain, times, values bit for bit."""

from __future__ import annotations

import netCDF4
import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.craft.domain import Box, IdFile, PointFile
from kiloland.craft.identify import AllCells, DomainFile
from kiloland.craft.subset import Period, SubsetRequest, subset
from kiloland.craft.synthetic import make_synthetic_case
from kiloland.craft.virtual import Times, duplicate
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.grid import Coordinates, DaymetGrid, build_rectangle, read_domain, write_domain
from kiloland.verify import compare_files, to_table

WEATHER = "weather/clmforc.synthetic.1km.1d.TBOT.0001-02.nc"


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Domain, surface and forcing of twelve cells, three rows of four."""
    folder = tmp_path_factory.mktemp("case")
    make_synthetic_case(folder, cells=12, days=1)
    return folder


def id_list(folder, ids):
    path = folder / "ids.csv"
    path.write_text("".join(f"{one}\n" for one in ids))
    return path


def taken(source, cells, output, period=None, domain=None):
    subset(SubsetRequest(source, cells, output, Period.from_text(period) if period else None, domain))
    return output


def values_at(path, places):
    """All variables of a file, at some cells where they have cells."""
    with open_dataset(path) as dataset:
        return {
            name: np.take(variable.read(), places, axis=variable.dims.index(cells[0]))
            if (cells := [dim for dim in variable.dims if dim in ("ni", "gridcell")])
            else variable.read()
            for name, variable in dataset.variables.items()
        }


def test_a_single_cell_of_every_kind_of_file(case, tmp_path):
    ids = read_domain(case / "domain.nc").gridcell_id
    one = id_list(tmp_path, [ids[7]])
    for name in ("domain.nc", "surfdata.nc", WEATHER):
        output = taken(case / name, IdFile(one), tmp_path / "one.nc", domain=case / "domain.nc")
        expected = values_at(case / name, [7])
        with open_dataset(output) as dataset:
            assert list(dataset) == list(expected)
            for variable, values in expected.items():
                assert dataset[variable].read().tobytes() == values.tobytes(), (name, variable)


@pytest.mark.parametrize("name", ["domain.nc", "surfdata.nc", WEATHER])
def test_all_cells_are_the_file_itself(case, tmp_path, name):
    found = compare_files(case / name, taken(case / name, AllCells(), tmp_path / "all.nc"))
    assert found.identical, to_table(found)


@pytest.mark.parametrize("name", ["domain.nc", "surfdata.nc", WEATHER])
def test_a_subset_of_a_subset_is_the_subset(case, tmp_path, name):
    some = taken(case / "domain.nc", Box(-165.0, 65.19, 195.1, 65.3), tmp_path / "some.nc")
    ids = read_domain(some).gridcell_id
    assert 2 < ids.size < 12
    few = id_list(tmp_path, ids[[2, 0]])
    first = taken(case / name, DomainFile(some), tmp_path / "first.nc", domain=case / "domain.nc")
    twice = taken(first, IdFile(few), tmp_path / "twice.nc", domain=some)
    once = taken(case / name, IdFile(few), tmp_path / "once.nc", domain=case / "domain.nc")
    found = compare_files(once, twice)
    assert found.identical, to_table(found)


def test_the_order_of_the_domain_counts_not_that_of_the_file(case, tmp_path):
    domain = read_domain(case / "domain.nc")
    order = np.array([5, 0, 11, 3])
    write_domain(tmp_path / "d.nc", domain.take(order))
    output = taken(case / WEATHER, DomainFile(tmp_path / "d.nc"), tmp_path / "w.nc")
    with open_dataset(case / WEATHER) as source, open_dataset(output) as part:
        assert part["gridID"].read()[0].tolist() == domain.gridcell_id[order].tolist()
        np.testing.assert_array_equal(part["TBOT"].read(), source["TBOT"].read()[:, :, order])


def test_ids_in_any_order_come_out_ascending_and_once(case, tmp_path, caplog):
    ids = read_domain(case / "domain.nc").gridcell_id
    listed = id_list(tmp_path, ids[[9, 1, 9, 4]])
    output = taken(case / "domain.nc", IdFile(listed), tmp_path / "o.nc")
    assert read_domain(output).gridcell_id.tolist() == ids[[1, 4, 9]].tolist()
    assert "1 requests repeat a cell" in caplog.text


def test_missing_ids_are_named_and_nothing_is_written(case, tmp_path, capsys):
    listed = id_list(tmp_path, [5, read_domain(case / "domain.nc").gridcell_id[0], 6])
    output = tmp_path / "o.nc"
    assert main(["craft", "subset", str(case / WEATHER), "--ids", str(listed), "-o", str(output)]) == 2
    message = capsys.readouterr().err
    assert "2 of 3 ids absent: 5, 6" in message
    assert WEATHER in message
    assert message.count("\n") == 1
    assert not output.exists()


def test_points_find_the_cells_that_hold_them(case, tmp_path):
    domain = read_domain(case / "domain.nc")
    points = tmp_path / "points.csv"
    points.write_text("".join(f"{domain.x[cell] + 400},{domain.y[cell] - 400}\n" for cell in (8, 2)))
    cells = PointFile(points, Coordinates.XY)
    output = taken(case / "surfdata.nc", cells, tmp_path / "o.nc", domain=case / "domain.nc")
    with open_dataset(output) as part:
        np.testing.assert_array_equal(part["LONGXY"].read(), domain.longitude[[2, 8]])


def test_a_box_across_the_dateline(tmp_path):
    schema = FileSchema(
        {"gridcell": 4},
        None,
        tuple(VariableSchema(name, "f8", ("gridcell",)) for name in ("LONGXY", "LATIXY")),
    )
    values = {"LONGXY": np.array([179.5, -179.5, 178.0, 200.0]), "LATIXY": np.full(4, 65.0)}
    write_dataset(tmp_path / "s.nc", schema, values)
    with open_dataset(taken(tmp_path / "s.nc", Box(179, 60, -179, 70), tmp_path / "o.nc")) as part:
        assert part["LONGXY"].read().tolist() == [179.5, -179.5]


@pytest.mark.parametrize(
    ("period", "first", "count"),
    [
        ("0001-02-03:0001-02-04", 16, 16),
        ("0001-02:0001-02", 0, 224),
        ("0001:0003", 0, 224),
        ("1:0001-02-01", 0, 8),
    ],
)
def test_times_of_a_forcing_file(case, tmp_path, period, first, count):
    output = taken(case / WEATHER, AllCells(), tmp_path / "o.nc", period)
    with open_dataset(case / WEATHER) as source, open_dataset(output) as part:
        assert part.unlimited == "time"
        for name in ("time", "TBOT"):
            expected = source[name].read()[first : first + count]
            assert part[name].read().tobytes() == expected.tobytes()


def test_the_leap_day_stays_in_its_month(tmp_path):
    schema = FileSchema(
        {"ni": 2},
        ("time", 4),
        (
            VariableSchema(
                "time", "f8", ("time",), {"units": "days since 2000-02-27", "calendar": "standard"}
            ),
            VariableSchema("gridID", "i4", ("ni",)),
        ),
    )
    write_dataset(tmp_path / "s.nc", schema, {"time": np.arange(4.0), "gridID": np.array([1, 2], "i4")})
    with open_dataset(taken(tmp_path / "s.nc", AllCells(), tmp_path / "o.nc", "2000-02:2000-02")) as part:
        assert part["time"].read().tolist() == [0.0, 1.0, 2.0]


def test_times_in_the_second_dimension(tmp_path):
    schema = FileSchema(
        {"n": 3, "DTIME": 4},
        None,
        (
            VariableSchema(
                "DTIME", "f8", ("DTIME",), {"units": "days since 1990-01-01", "calendar": "noleap"}
            ),
            VariableSchema("gridID", "i4", ("n",)),
            VariableSchema("TBOT", "i2", ("n", "DTIME")),
        ),
    )
    packed = np.arange(12, dtype="i2").reshape(3, 4)
    write_dataset(
        tmp_path / "s.nc",
        schema,
        {"DTIME": np.arange(4.0), "gridID": np.array([4, 5, 6], "i4"), "TBOT": packed},
    )
    cells = IdFile(id_list(tmp_path, [6, 4]))
    with open_dataset(taken(tmp_path / "s.nc", cells, tmp_path / "o.nc", "1990-01-02:1990-01-03")) as part:
        assert part["TBOT"].read().tolist() == [[1, 2], [9, 10]]


def test_rows_and_columns_become_a_list(tmp_path):
    grid = DaymetGrid()
    corner = 10_450_000
    write_domain(tmp_path / "d.nc", build_rectangle(grid, np.array([corner, corner + 2 * grid.columns + 3])))
    output = taken(tmp_path / "d.nc", AllCells(), tmp_path / "list.nc")
    two, one = read_domain(tmp_path / "d.nc"), read_domain(output)
    assert (two.shape, one.shape) == ((3, 4), (1, 12))
    for name in ("gridcell_id", "longitude", "area", "mask", "vertex_latitude", "x"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_netcdf4_input_in_rows_and_columns(tmp_path):
    with netCDF4.Dataset(tmp_path / "s.nc", "w") as dataset:
        for dim, length in (("time", None), ("nj", 2), ("ni", 3)):
            dataset.createDimension(dim, length)
        dataset.createVariable("gridID", "i4", ("nj", "ni"))[:] = np.arange(6).reshape(2, 3)
        dataset.createVariable("T", "f4", ("time", "nj", "ni"), zlib=True)[:] = np.arange(12.0).reshape(
            2, 2, 3
        )
    with open_dataset(taken(tmp_path / "s.nc", IdFile(id_list(tmp_path, [5, 1])), tmp_path / "o.nc")) as part:
        assert part["T"].read().tolist() == [[[1.0, 5.0]], [[7.0, 11.0]]]


def test_virtual_copies_can_be_cut(case, tmp_path):
    duplicate(case / "domain.nc", Times((3,)), tmp_path / "v.json", virtual=True)
    duplicate(case / "domain.nc", Times((3,)), tmp_path / "real.nc")
    ids = IdFile(id_list(tmp_path, read_domain(tmp_path / "real.nc").gridcell_id[[1, 13, 35]]))
    found = compare_files(
        taken(tmp_path / "v.json", ids, tmp_path / "a.nc"),
        taken(tmp_path / "real.nc", ids, tmp_path / "b.nc"),
    )
    assert found.identical, to_table(found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["surfdata.nc", "--ids", "domain.nc"], "does not say the ids"),
        (["domain.nc", "--box", "0,0,10,10"], "no cell of the file is meant"),
        (["domain.nc", "--box", "0,20,10,10"], "south below north"),
        ([WEATHER, "--time", "0002:0003"], "no time of the file is in the period"),
        ([WEATHER, "--time", "1980-13:1981"], "not a month"),
        ([WEATHER, "--time", "1981:1980"], "ends before it begins"),
        ([WEATHER, "--time", "soon"], "not a period"),
        (["surfdata.nc", "--time", "1980:1981"], "time units not understood"),
        (["surfdata.nc", "--source-domain", "other.nc"], "lie elsewhere"),
        ([WEATHER, "--points", "domain.nc"], "--points needs --coordinates"),
        (["restart.nc"], "columns and patches"),
    ],
)
def test_requests_that_cannot_be_served(case, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(case)
    domain = read_domain(case / "domain.nc")
    write_domain(case / "other.nc", domain.take(np.arange(11, -1, -1)))
    schema = FileSchema({"gridcell": 1, "column": 2}, None, (VariableSchema("T", "f8", ("column",)),))
    write_dataset(case / "restart.nc", schema, {"T": np.zeros(2)})
    assert main(["craft", "subset", *arguments, "-o", str(tmp_path / "o.nc")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "o.nc").exists()


@pytest.mark.oracle
def test_a_real_surface_file(shared, tmp_path):
    inputs = shared / "data" / "elm" / "inputs"
    ids = IdFile(id_list(tmp_path, [3, 1]))  # a domain without gridID numbers its cells by place
    output = taken(inputs / "surfdata_4.nc.gz", ids, tmp_path / "o.nc", domain=inputs / "domain_4.nc")
    with open_dataset(inputs / "surfdata_4.nc.gz") as source, open_dataset(output) as part:
        assert part.dimensions == {**source.dimensions, "lsmlon": 2}
        for name, variable in source.variables.items():
            values = variable.read()
            expected = values[..., [1, 3]] if variable.dims[-1:] == ("lsmlon",) else values
            assert part[name].read().tobytes() == expected.tobytes(), name
