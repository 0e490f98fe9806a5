"""``kiloland craft duplicate``: exact copies of every kind of file, ids unique, virtual copies alike."""

from __future__ import annotations

import json
import shutil
import tracemalloc

import netCDF4
import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.craft.duplicate import Times, duplicate_dataset, origins
from kiloland.craft.synthetic import make_synthetic_case
from kiloland.craft.virtual import duplicate, open_virtual
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, verify_file, write_dataset
from kiloland.grid import DaymetGrid, build_rectangle, read_domain, write_domain
from kiloland.verify import compare_copies, compare_files, to_table

WEATHER = "weather/clmforc.synthetic.1km.1d.TBOT.0001-02.nc"


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Domain, surface and forcing of twelve cells."""
    folder = tmp_path_factory.mktemp("case")
    make_synthetic_case(folder, cells=12, days=1)
    return folder


@pytest.fixture(scope="module")
def restart(tmp_path_factory):
    """Three cells of 2, 1 and 2 columns, with index vectors, snow layers and a NaN with a payload."""
    path = tmp_path_factory.mktemp("restart") / "restart.nc"
    values = {
        "grid1d_lon": ("f8", ("gridcell",), [195.0, 195.1, 195.2]),
        "grid1d_ixy": ("i4", ("gridcell",), [1, 2, 3]),
        "grid1d_jxy": ("i4", ("gridcell",), [1, 1, 1]),
        "cols1d_gridcell_index": ("i4", ("column",), [1, 1, 2, 3, 3]),
        "pfts1d_column_index": ("i4", ("pft",), [1, 1, 2, 3, 4, 5, 0]),
        "T_SOISNO": ("f8", ("column", "levtot"), np.arange(20.0).reshape(5, 4) + 260.0),
        "elai": ("f8", ("pft",), np.arange(7.0)),
        "timemgr_rst_step_sec": ("i4", (), 1800),
    }
    bad = np.array([0x7FF4000000000ABC], dtype=np.uint64).view(np.float64)
    values["T_SOISNO"][2][1, 1] = bad[0]
    schema = FileSchema(
        {"gridcell": 3, "column": 5, "pft": 7, "levtot": 4},
        None,
        tuple(VariableSchema(name, kind, dims) for name, (kind, dims, _) in values.items()),
        {"ilun_vegetated_or_bare_soil": 1, "case": "made up"},
    )
    write_dataset(path, schema, {name: np.asarray(array, kind) for name, (kind, _, array) in values.items()})
    return path


@pytest.mark.parametrize("kind", ["domain.nc", "surfdata.nc", WEATHER, "restart"])
@pytest.mark.parametrize("times", ["1", "7", "2x3"])
def test_copies_are_exact(case, restart, tmp_path, kind, times):
    source = restart if kind == "restart" else case / kind
    output = tmp_path / "copies.nc"
    assert main(["craft", "duplicate", str(source), "--times", times, "-o", str(output)]) == 0
    copies = Times.from_text(times).copies
    found = compare_copies(source, output, copies)
    assert found.identical, to_table(found)
    assert main(["compare", str(source), str(output), "--copies", str(copies)]) == 0
    assert verify_file(output) > 1


@pytest.mark.parametrize(
    ("kind", "block_bytes"),
    [
        *((kind, size) for kind in ("domain.nc", "restart") for size in (1, 40, 3000)),
        *((kind, size) for kind in ("surfdata.nc", WEATHER) for size in (100, 3000, 1 << 16)),
    ],
)
def test_the_bytes_do_not_depend_on_the_size_of_blocks(case, restart, tmp_path, kind, block_bytes):
    source = restart if kind == "restart" else case / kind
    with open_dataset(source) as dataset:
        duplicate_dataset(dataset, Times((3,)), tmp_path / "small.nc", block_bytes=block_bytes)
        duplicate_dataset(dataset, Times((3,)), tmp_path / "large.nc")
    assert (tmp_path / "small.nc").read_bytes() == (tmp_path / "large.nc").read_bytes()


@pytest.fixture
def topounits(tmp_path):
    """Three cells with two topographic units each, which surface data hold as layers."""
    values = {
        "gridID": ("i4", ("gridcell",), [4, 5, 9]),
        "TopounitFracArea": ("f8", ("topounit", "gridcell"), np.arange(6.0).reshape(2, 3)),
        "PCT_SAND": ("f8", ("nlevsoi", "gridcell"), np.arange(12.0).reshape(4, 3)),
    }
    schema = FileSchema(
        {"gridcell": 3, "topounit": 2, "nlevsoi": 4},
        None,
        tuple(VariableSchema(name, kind, dims) for name, (kind, dims, _) in values.items()),
    )
    write_dataset(
        tmp_path / "topo.nc", schema, {name: np.asarray(a, k) for name, (k, _, a) in values.items()}
    )
    return tmp_path / "topo.nc"


def test_topographic_units_of_surface_data_are_layers(topounits, tmp_path):
    duplicate(topounits, Times((3,)), tmp_path / "x3.nc")
    with open_dataset(tmp_path / "x3.nc") as made:
        assert made.dimensions["topounit"] == 2
        assert made["TopounitFracArea"].read().tolist() == [[0, 1, 2] * 3, [3, 4, 5] * 3]
    assert compare_copies(topounits, tmp_path / "x3.nc", 3).identical
    duplicate(topounits, Times((3,)), tmp_path / "x3.json", virtual=True)
    with open_virtual(tmp_path / "x3.json") as copies:
        assert copies["TopounitFracArea"].read().tolist() == [[0, 1, 2] * 3, [3, 4, 5] * 3]
    assert (
        main(
            [
                "-q",
                "craft",
                "subset",
                str(topounits),
                "--ids",
                ids_file(tmp_path, 9),
                "-o",
                str(tmp_path / "s.nc"),
            ]
        )
        == 0
    )
    with open_dataset(tmp_path / "s.nc") as part:
        assert part["TopounitFracArea"].read().tolist() == [[2.0], [5.0]]


def ids_file(folder, *ids):
    (folder / "ids.csv").write_text("".join(f"{one}\n" for one in ids))
    return str(folder / "ids.csv")


def test_index_vectors_point_into_their_own_copy(restart, tmp_path):
    duplicate(restart, Times((2,)), tmp_path / "two.nc")
    with open_dataset(tmp_path / "two.nc") as two:
        assert two["cols1d_gridcell_index"].read().tolist() == [1, 1, 2, 3, 3, 4, 4, 5, 6, 6]
        assert two["pfts1d_column_index"].read().tolist() == [1, 1, 2, 3, 4, 5, 0, 6, 6, 7, 8, 9, 10, 0]
        assert two["grid1d_ixy"].read().tolist() == [1, 2, 3, 4, 5, 6]
        assert two["grid1d_jxy"].read().tolist() == [1] * 6
        assert two["grid1d_lon"].read().tolist() == [195.0, 195.1, 195.2] * 2


def test_ids_are_unique_in_order_and_name_their_origin(case, tmp_path):
    duplicate(case / "domain.nc", Times((5,)), tmp_path / "five.nc")
    source, five = read_domain(case / "domain.nc"), read_domain(tmp_path / "five.nc")
    assert five.ordered
    np.testing.assert_array_equal(five.longitude, np.tile(source.longitude, 5))
    with open_dataset(tmp_path / "five.nc") as dataset:
        copy, origin = origins(dataset)
        assert "gridID_origin" in dataset.attributes
    np.testing.assert_array_equal(copy, np.repeat(np.arange(5), 12))
    np.testing.assert_array_equal(origin, np.tile(source.gridcell_id, 5))


def test_domain_and_forcing_get_the_same_ids(case, tmp_path):
    for name, output in (("domain.nc", "d.nc"), (WEATHER, "w.nc")):
        duplicate(case / name, Times((4,)), tmp_path / output)
    with open_dataset(tmp_path / "d.nc") as domain, open_dataset(tmp_path / "w.nc") as weather:
        np.testing.assert_array_equal(domain["gridID"].read(), weather["gridID"].read())


def test_copies_of_copies_are_the_copies_made_at_once(case, tmp_path):
    duplicate(case / "domain.nc", Times((2,)), tmp_path / "two.nc")
    duplicate(tmp_path / "two.nc", Times((3,)), tmp_path / "six.nc")
    duplicate(case / "domain.nc", Times((2, 3)), tmp_path / "once.nc")
    assert (tmp_path / "six.nc").read_bytes() == (tmp_path / "once.nc").read_bytes()


def test_ids_beyond_32_bits_are_written_in_64(tmp_path):
    schema = FileSchema({"ni": 2}, None, (VariableSchema("gridID", "i4", ("ni",)),))
    write_dataset(tmp_path / "s.nc", schema, {"gridID": np.array([0, 2_000_000_000], "i4")})
    duplicate(tmp_path / "s.nc", Times((2,)), tmp_path / "o.nc")
    with open_dataset(tmp_path / "o.nc") as dataset:
        assert dataset["gridID"].read().tolist() == [0, 2_000_000_000, 2_000_000_001, 4_000_000_001]


@pytest.mark.parametrize("kind", ["domain.nc", "surfdata.nc", WEATHER, "restart"])
def test_virtual_copies_read_as_the_real_ones(case, restart, tmp_path, kind):
    source = restart if kind == "restart" else case / kind
    index, real = tmp_path / "copies.json", tmp_path / "real.nc"
    assert main(["craft", "duplicate", str(source), "--times", "2x2", "--virtual", "-o", str(index)]) == 0
    duplicate(source, Times((4,)), real)
    assert index.stat().st_size < 2000
    places = np.array([13, 0, 40, 2]) if kind != "restart" else np.array([11, 0, 5])
    with open_virtual(index, verify=True) as virtual, open_dataset(real) as dataset:
        assert virtual.dimensions == dataset.dimensions
        assert list(virtual) == list(dataset)
        for name, variable in dataset.variables.items():
            whole = variable.read()
            assert virtual[name].shape == whole.shape
            assert virtual[name].read().tobytes() == whole.tobytes(), name
            # A part of two copies as long as one, every second entry, places in any order, the last entry.
            leading = (slice(5, 17), slice(1, None, 2), places % (*whole.shape, 1)[0], -1)
            trailing = tuple((..., index) for index in (slice(5, 17), slice(3, 4)))
            for index_of in (*leading, *trailing) if whole.ndim else ():
                assert virtual[name].read(index_of).tobytes() == whole[index_of].tobytes(), name


def test_virtual_copies_become_data(case, tmp_path):
    duplicate(case / "domain.nc", Times((2,)), tmp_path / "two.json", virtual=True)
    duplicate(tmp_path / "two.json", Times((3,)), tmp_path / "six.json", virtual=True)
    duplicate(tmp_path / "six.json", Times((1,)), tmp_path / "six.nc")
    duplicate(case / "domain.nc", Times((2, 3)), tmp_path / "once.nc")
    assert compare_files(tmp_path / "six.nc", tmp_path / "once.nc").identical
    assert json.loads((tmp_path / "six.json").read_text())["times"] == "2x3"


def test_what_cannot_read_virtual_copies_says_how_to_make_data_of_them(case, tmp_path):
    """Whatever the file is called."""
    duplicate(case / "domain.nc", Times((2,)), tmp_path / "two.nc", virtual=True)
    with pytest.raises(InputError, match=r"craft duplicate two\.nc --times 1"):
        open_dataset(tmp_path / "two.nc")


def test_a_changed_source_of_virtual_copies_is_refused(case, tmp_path):
    source = tmp_path / "source.nc"
    source.write_bytes((case / "domain.nc").read_bytes())
    duplicate(source, Times((2,)), tmp_path / "v.json", virtual=True)
    damaged = bytearray(source.read_bytes())
    damaged[-1] ^= 1
    source.write_bytes(damaged)
    with pytest.raises(InputError, match="source of the copies has changed"):
        duplicate(tmp_path / "v.json", Times((1,)), tmp_path / "o.nc")
    source.write_bytes(damaged[:-8])
    with pytest.raises(InputError, match="has changed"):
        open_virtual(tmp_path / "v.json")
    source.unlink()
    with pytest.raises(InputError, match="missing"):
        open_virtual(tmp_path / "v.json")


@pytest.mark.parametrize("times", ["0", "-1", "ten", "10x", "2x0", "1.5", ""])
def test_a_number_of_copies_that_is_none(case, tmp_path, times, capsys):
    arguments = [
        "craft",
        "duplicate",
        str(case / "domain.nc"),
        f"--times={times}",
        "-o",
        str(tmp_path / "o.nc"),
    ]
    assert main(arguments) == 2
    assert "not a number of copies" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_cells_in_rows_and_columns_are_refused(tmp_path):
    grid = DaymetGrid()
    write_domain(tmp_path / "d.nc", build_rectangle(grid, np.array([10_450_000, 10_450_001 + grid.columns])))
    with pytest.raises(InputError, match="rows and columns"):
        duplicate(tmp_path / "d.nc", Times((2,)), tmp_path / "o.nc")


@pytest.mark.parametrize(
    ("dims", "ids", "message"),
    [(("ni",), [7, 8, 7], "same gridcell id twice"), (("month",), [1, 2, 3], "no dimension of cells")],
)
def test_files_that_cannot_be_repeated(tmp_path, dims, ids, message):
    schema = FileSchema({dims[0]: 3}, None, (VariableSchema("gridID", "i4", dims),))
    write_dataset(tmp_path / "s.nc", schema, {"gridID": np.array(ids, "i4")})
    with pytest.raises(InputError, match=message):
        duplicate(tmp_path / "s.nc", Times((2,)), tmp_path / "o.nc")


def test_the_source_is_never_replaced(case):
    before = (case / "domain.nc").read_bytes()
    with pytest.raises(InputError, match="replace the input"):
        duplicate(case / "domain.nc", Times((2,)), case / "domain.nc")
    assert (case / "domain.nc").read_bytes() == before


def test_netcdf4_input(tmp_path):
    with netCDF4.Dataset(tmp_path / "s.nc", "w") as dataset:
        dataset.createDimension("time", None)
        dataset.createDimension("ni", 3)
        dataset.createVariable("TBOT", "f4", ("time", "ni"), zlib=True)[:] = np.arange(6.0).reshape(2, 3)
    duplicate(tmp_path / "s.nc", Times((3,)), tmp_path / "o.nc")
    assert compare_copies(tmp_path / "s.nc", tmp_path / "o.nc", 3).identical
    with open_dataset(tmp_path / "o.nc") as dataset:
        assert dataset.unlimited == "time"


def test_memory_does_not_grow_with_the_file(tmp_path):
    schema = FileSchema(
        {"column": 40_000, "levtot": 20}, None, (VariableSchema("T", "f8", ("column", "levtot")),)
    )
    write_dataset(tmp_path / "s.nc", schema, {"T": np.zeros((40_000, 20))})
    tracemalloc.start()
    duplicate(tmp_path / "s.nc", Times((10,)), tmp_path / "o.nc")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "o.nc").stat().st_size > 60e6
    assert peak < 20e6


@pytest.mark.slow
def has_cells(file):
    with open_dataset(file) as dataset:
        return bool(set(dataset.dimensions) & {"gridcell", "ni"})


def test_a_run_of_copies_is_the_copies_of_the_run(tmp_path):
    one, three = tmp_path / "one", tmp_path / "three"
    make_synthetic_case(one, cells=6, days=1, surface_flux="bare-ground")
    for file in sorted(one.rglob("*.*")):
        output = three / file.relative_to(one)
        output.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".nc" and has_cells(file):
            duplicate(file, Times((3,)), output)
        else:
            shutil.copy(file, output)
    for folder in (one, three):
        assert main(["run", str(folder / "case.toml")]) == 0
    made = sorted((one / "run").glob("*.elm.*.nc"))
    assert len(made) >= 3
    for file in made:
        found = compare_copies(file, three / "run" / file.name, 3)
        assert found.identical, to_table(found)


REAL = ["b4_4cells8yr/r.0008-01-01.nc.gz", "b4_4cells8yr/h0.monthly.nc.gz", "inputs/domain_4.nc"]


@pytest.mark.oracle
@pytest.mark.parametrize("name", REAL)
def test_real_files_of_the_fortran_model(shared, tmp_path, name):
    source = shared / "data" / "elm" / name
    duplicate(source, Times((3, 2)), tmp_path / "o.nc")
    found = compare_copies(source, tmp_path / "o.nc", 6)
    assert found.identical, to_table(found)


@pytest.mark.oracle
def test_a_real_surface_file_with_rows_and_columns_of_one_row(shared, tmp_path):
    source = shared / "data" / "elm" / "inputs" / "surfdata_4.nc.gz"
    duplicate(source, Times((3,)), tmp_path / "o.nc")
    with open_dataset(source) as one, open_dataset(tmp_path / "o.nc") as three:
        assert three.dimensions == {**one.dimensions, "lsmlon": 12}
        for name, variable in one.variables.items():
            values = variable.read()
            repeats = (1,) * (values.ndim - 1) + (3,)
            expected = np.tile(values, repeats) if variable.dims[-1:] == ("lsmlon",) else values
            assert three[name].read().tobytes() == expected.tobytes(), name
