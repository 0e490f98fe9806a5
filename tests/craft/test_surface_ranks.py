"""Ranks map and write one surface file together; its bytes do not depend on their number."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from surface_samples import Layout, regular_domain, write_source

from kiloland.craft.surface import Mapper, Method, Product, SurfaceRequest, craft_surface
from kiloland.craft.surface.product import Target, open_product
from kiloland.craft.surface.source import read_source
from kiloland.craft.surface.work import read_slab
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.grid import read_domain
from kiloland.run.ranks import Ranks

FAMILIES = ("MONTHLY_", "ALB_", "TK_", "CV_", "HORIZON_", "EF1_", "parEro")
PROGRAM = """
import sys
from pathlib import Path
from kiloland.craft.surface import Product, SurfaceRequest, craft_surface
from kiloland.errors import KilolandError
from kiloland.run.ranks import join_ranks

ranks = join_ranks()
assert ranks.size == int(sys.argv[2])
folder = Path(sys.argv[1])
names = {"PCT_LAKE": "PCT_LAKE", "FMAX": "FMAX"}
for number, domain in enumerate(sys.argv[3:]):
    request = SurfaceRequest(
        folder / "source.nc", folder / domain, folder / f"{ranks.size}.{domain}",
        {"ZWT0": "spline", "SOIL_COLOR": "majority", "P3": "conservative"},
        products=(Product(folder / "lake.nc", names),), minimum_share=4.5,
        elevation=Product(folder / "lake.nc", {"TOPO": "TOPO"}),
    )
    try:
        summary = craft_surface(request, ranks)
        if ranks.is_root:
            print("\\n".join(summary.lines()[:-1]).replace(str(request.output), "FILE"))
    except KilolandError as error:
        print(f"rank {ranks.rank}: {error}", flush=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source with gaps, domains of one and of two dimensions, and a product on some of their cells."""
    folder = tmp_path_factory.mktemp("ranks")
    rng = np.random.default_rng(3)

    def change(name: str, values: np.ndarray) -> np.ndarray | None:
        if name.startswith(FAMILIES):
            return None
        if name == "FMAX":
            values = np.where(rng.random(values.shape) < 0.4, np.nan, values)
        return 2000.0 * rng.random(values.shape) if name == "TOPO" else values

    write_source(folder / "source.nc", Layout(), change)
    regular_domain(folder / "list.nc", "regular:196,214,13,55,67,11")
    regular_domain(folder / "map.nc", "regular:196,214,13,55,67,11", rectangle=True)
    domain = read_domain(folder / "list.nc").take(slice(20, 90))
    cells = ("gridcell",)
    arrays = {
        "gridID": domain.gridcell_id.astype(np.int32),
        "PCT_LAKE": np.where(np.arange(70) % 3 == 0, np.nan, np.linspace(2.0, 60.0, 70)),
        "FMAX": rng.random(70),
        "TOPO": 2000.0 * rng.random(70),
    }
    units = {"gridID": "1", "PCT_LAKE": "%", "FMAX": "1", "TOPO": "m"}
    variables = tuple(
        VariableSchema(name, "i4" if name == "gridID" else "f8", cells, {"units": units[name]})
        for name in arrays
    )
    write_dataset(folder / "lake.nc", FileSchema({"gridcell": 70}, None, variables, {}), arrays)
    return folder


def start(folder: Path, number: int, *domains: str) -> str:
    pytest.importorskip("mpi4py")
    launcher = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
    if launcher is None:
        pytest.skip("no mpiexec")
    words = [launcher, "-n", str(number), sys.executable, "-c", PROGRAM, str(folder), str(number), *domains]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.mpi
def test_the_bytes_and_the_report_do_not_depend_on_the_number_of_ranks(folder: Path) -> None:
    told = {number: start(folder, number, "list.nc", "map.nc") for number in (1, 2, 3)}
    for domain in ("list.nc", "map.nc"):
        expected = (folder / f"1.{domain}").read_bytes()
        assert (folder / f"2.{domain}").read_bytes() == expected
        assert (folder / f"3.{domain}").read_bytes() == expected
    assert told[1] == told[2] == told[3]
    assert "from lake.nc (cell by cell)" in told[1]
    with open_dataset(folder / "1.map.nc") as dataset:
        assert dataset["PCT_SAND"].dims == ("nlevsoi", "lsmlat", "lsmlon")


@pytest.mark.mpi
def test_an_error_of_one_rank_ends_all_of_them(folder: Path, tmp_path: Path) -> None:
    for name in ("source.nc", "lake.nc"):
        shutil.copy(folder / name, tmp_path)
    regular_domain(tmp_path / "gone.nc", "regular:196,214,13,55,67,11")

    def poor(name: str, values: np.ndarray) -> np.ndarray | None:
        if name == "SOIL_COLOR":
            values = values.copy()
            values[30:] = 99
        return None if name.startswith(FAMILIES) else values

    write_source(tmp_path / "source.nc", Layout(), poor)
    told = start(tmp_path, 3, "gone.nc")
    # Ranks may write into one line, so words are counted, not lines.
    assert len(re.findall("SOIL_COLOR", told)) == 3
    assert list(tmp_path.glob("*3.gone*")) == []


def test_shares_of_ranks_are_stretches_and_rows(folder: Path) -> None:
    for domain, unit in (("list.nc", 1), ("map.nc", 13)):
        request = SurfaceRequest(folder / "source.nc", folder / domain, folder / "out.nc")
        slabs = [read_slab(request, Ranks(None, rank, 4)) for rank in range(4)]
        assert [slab.first % unit for slab in slabs] == [0] * 4
        assert sum(slab.domain.number_of_cells for slab in slabs) == 143
        ids = np.concatenate([slab.domain.gridcell_id for slab in slabs])
        assert np.array_equal(ids, read_domain(folder / domain).gridcell_id)
    with pytest.raises(InputError, match="more ranks than rows"):
        read_slab(request, Ranks(None, 0, 12))


def test_the_memory_of_a_rank_is_that_of_its_cells(folder: Path) -> None:
    """Weights of a quarter of the cells take a quarter of the memory."""
    domain = read_domain(folder / "list.nc")
    with open_dataset(folder / "source.nc") as dataset:
        grid = read_source(dataset).grid
    valid = np.ones(grid.cells, dtype=bool)
    for method in (Method.NEAREST, Method.LINEAR):
        whole = Mapper(grid, domain, 1e4).weights(method, valid).bytes
        part = Mapper(grid, domain.take(slice(0, 35)), 1e4).weights(method, valid).bytes
        assert part == whole * 35 // 143


def test_only_the_cells_of_a_rank_are_read_of_a_product_on_cells(folder: Path) -> None:
    request = SurfaceRequest(folder / "source.nc", folder / "list.nc", folder / "out.nc")
    slab = read_slab(request, Ranks(None, 1, 4))
    with open_dataset(folder / "lake.nc") as dataset:
        target = Target(slab.domain, 55.0, 67.0, 1e4, None)
        supply = open_product(dataset, Product(folder / "lake.nc", {"FMAX": "FMAX"}), target, None)
        assert supply.values.cells == slab.domain.number_of_cells
        layer = supply.layer("FMAX", ())
        assert np.array_equal(supply.mapper.map(layer, Method.NEAREST), dataset["FMAX"].read()[15:51])


def test_a_two_dimensional_domain_gives_elms_two_dimensions(folder: Path) -> None:
    """Dimensions of the cells come last, rows before columns, and row 0 is row 0 of the domain."""
    craft_surface(SurfaceRequest(folder / "source.nc", folder / "map.nc", folder / "flat.nc"))
    domain = read_domain(folder / "map.nc")
    with open_dataset(folder / "flat.nc") as dataset:
        assert (dataset.dimensions["lsmlat"], dataset.dimensions["lsmlon"]) == domain.shape == (11, 13)
        assert "gridcell" not in dataset.dimensions
        for name in ("PCT_NAT_PFT", "PCT_URBAN", "PCT_CLAY", "LONGXY"):
            assert dataset[name].dims[-2:] == ("lsmlat", "lsmlon"), name
        assert np.array_equal(dataset["LATIXY"].read(), domain.latitude.reshape(11, 13))
        assert np.array_equal(dataset["LONGXY"].read(), domain.longitude.reshape(11, 13))
