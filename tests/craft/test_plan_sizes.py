"""A plan says what the commands then write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from forcing_sources import COLUMNS, GRID, ROWS, YEAR, make_source
from surface_samples import write_source

from kiloland.cli.main import main
from kiloland.craft.forcing.samples import write_three_hourly
from kiloland.craft.plan import Machine, plan_job, plan_lines
from kiloland.grid import grid_from_text

ROOT = Path(__file__).resolve().parents[2]
SYNTHETIC = "planned = true\nland_cells = 300\n"


def craft(*words: object) -> None:
    assert main(["-q", "craft", *map(str, words)]) == 0


def job(folder: Path, *tables: str) -> Path:
    path = folder / "job.toml"
    path.write_text('[job]\nname = "small"\ndirectory = "made"\n' + "".join(tables))
    return path


def products(path: Path) -> dict[str, dict[str, int]]:
    """Planned files and bytes by product, as JSON gives them."""
    from kiloland.craft.plan import document

    return {one["name"]: one for one in document(plan_job(path))["products"]}


def bytes_of(paths: list[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    """Land of every cell but for a corner, on 40 x 30 cells near Kougarok."""
    land = np.ones((30, 40), dtype=int)
    land[:5, :7] = 0
    path = tmp_path / "mask.csv"
    path.write_text(",".join(map(str, land.ravel())))
    return path


DOMAIN = '[domain]\ngrid = "daymet_lcc:-2.8e+06,3.6e+06,1000,40,30"\nland_mask = "mask.csv"\n'
SMALL = 'boxes = ["-180,60,-100,80"]\n'


@pytest.mark.parametrize("shape", ["", "two_dimensional = true\n"])
def test_a_domain_is_planned_to_the_byte(tmp_path: Path, mask: Path, shape: str) -> None:
    planned = products(job(tmp_path, DOMAIN, SMALL, shape))["domain"]
    words = ["--two-dimensional"] if shape else []
    grid = "daymet_lcc:-2.8e+06,3.6e+06,1000,40,30"
    box = ["--box", "-180,60,-100,80"]
    craft("domain", "--grid", grid, "--land-mask", mask, *box, *words, "-o", tmp_path / "domain.nc")
    assert planned["written_bytes"] == (tmp_path / "domain.nc").stat().st_size
    assert planned["files"] == 1


def test_surface_and_copies_are_planned_within_one_per_cent(tmp_path: Path, mask: Path) -> None:
    # A variable of topounits has two dimensions of cells, which no file of copies can have.
    source = write_source(
        tmp_path / "source.nc",
        change=lambda name, values: None if name.startswith(("Topo", "MaxTopo")) else values,
    )
    tables = (DOMAIN, f'[surface]\nsource = "{source.name}"\n', '[duplicate]\ntimes = "3x2"\n')
    planned = products(job(tmp_path, *tables))
    domain, surface = tmp_path / "domain.nc", tmp_path / "surfdata.nc"
    craft("domain", "--grid", DOMAIN.split('"')[1], "--land-mask", mask, "-o", domain)
    craft("surface", "--source", source, "--domain", domain, "-o", surface)
    assert planned["surface"]["written_bytes"] == pytest.approx(surface.stat().st_size, rel=0.01)
    for name, path in (("domain", domain), ("surface", surface)):
        copies = tmp_path / f"{name}_x6.nc"
        craft("duplicate", path, "--times", "3x2", "-o", copies)
        assert planned[f"{name} x6"]["written_bytes"] == pytest.approx(copies.stat().st_size, rel=0.01)
        assert planned[f"{name} x6"]["cells"] == 6 * 1165


def test_surface_data_in_rows_and_columns_are_planned_as_the_domain_is(tmp_path: Path, mask: Path) -> None:
    source = write_source(tmp_path / "source.nc")
    shape = "two_dimensional = true\n"
    planned = products(job(tmp_path, DOMAIN, shape, f'[surface]\nsource = "{source.name}"\n'))
    domain, surface = tmp_path / "domain.nc", tmp_path / "surfdata.nc"
    grid = DOMAIN.split('"')[1]
    craft("domain", "--grid", grid, "--land-mask", mask, "--two-dimensional", "-o", domain)
    craft("surface", "--source", source, "--domain", domain, "-o", surface)
    assert planned["surface"]["written_bytes"] == pytest.approx(surface.stat().st_size, rel=0.01)
    assert planned["surface"]["cells"] == 1200


def daymet_window() -> str:
    """The window of the sources of forcing, as a grid of its own is none: Daymet's ids stay."""
    ids = np.arange(ROWS.start, ROWS.stop)[:, None] * GRID.columns + np.arange(COLUMNS.start, COLUMNS.stop)
    return "\n".join(map(str, ids.ravel()))


def test_a_year_of_forcing_is_planned_within_one_per_cent(tmp_path: Path) -> None:
    make_source(tmp_path / "daily")
    (tmp_path / "ids.csv").write_text(daymet_window() + "\n")
    craft("domain", "--grid", "daymet", "--all-land", "--ids", tmp_path / "ids.csv", "-o", tmp_path / "d.nc")
    table = f'[domain]\nfile = "d.nc"\n[forcing]\nsource = "daily"\nfirst_year = {YEAR}\nlast_year = {YEAR}\n'
    plan = plan_job(job(tmp_path, table))
    assert not plan.findings
    (forcing,) = plan.products
    years = f"{YEAR}:{YEAR}"
    craft(
        "forcing",
        "--source",
        tmp_path / "daily",
        "--domain",
        tmp_path / "d.nc",
        "--years",
        years,
        "-o",
        tmp_path / "f",
    )
    made = [path for path in (tmp_path / "f").iterdir() if path.is_file()]
    assert forcing.number_of_files == len(made) == 92
    assert forcing.read_bytes == bytes_of(list((tmp_path / "daily").iterdir()))
    # Twenty cells: the texts in the headers are a twentieth of the bytes.
    data = 4 * 20 * 2920 * 7
    assert forcing.written_bytes - data == pytest.approx(bytes_of(made) - data, rel=0.15)
    assert forcing.written_bytes == pytest.approx(bytes_of(made), rel=0.02)


def test_missing_sources_are_findings_that_name_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_three_hourly(tmp_path / "maps", GRID, ROWS, COLUMNS, 2005, 1)
    (tmp_path / "maps" / "clmforc.Daymet4.1km.WIND.2005-01.nc").unlink()
    forcing = '[forcing]\nsource = "maps"\nkind = "three-hourly"\nfirst_year = 2005\nlast_year = 2005\n'
    path = job(tmp_path, f"[domain]\n{SYNTHETIC}", '[surface]\nsource = "absent.nc"\n', forcing)
    assert main(["craft", "plan", str(path)]) == 1
    text = capsys.readouterr().out
    assert "absent.nc: no such file" in text
    assert "and 77 more missing" in text
    assert "clmforc.Daymet4.1km.TBOT.2005-02.nc" in text
    assert main(["craft", "plan", "--json", str(path)]) == 1
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 2


def test_a_planned_source_is_no_finding(tmp_path: Path) -> None:
    forcing = '[forcing]\nsource = "none"\nplanned = true\nfirst_year = 2005\nlast_year = 2006\n'
    plan = plan_job(job(tmp_path, f"[domain]\n{SYNTHETIC}", forcing))
    assert not plan.findings
    assert any("none is planned" in note for note in plan.notes)
    assert plan.products[1].number_of_files == 2 * 84 + 8


def test_what_does_not_fit_the_machine_is_warned_of(tmp_path: Path) -> None:
    path = job(
        tmp_path,
        f"[domain]\n{SYNTHETIC}",
        '[surface]\nsource = "s"\nplanned = true\n',
        "[options]\nranks = 9\n",
    )
    assert not plan_job(path, machine=Machine(10**12, 16, 10**12)).warnings
    small = plan_job(path, machine=Machine(10**6, 4, 10**5)).warnings
    assert [text.split(":")[0] for text in small] == [
        "the disk is too small",
        "the memory is too small",
        "more ranks than processors",
    ]


def test_virtual_copies_take_no_space(tmp_path: Path) -> None:
    table = '[duplicate]\ntimes = "100"\nvirtual = true\n'
    plan = plan_job(job(tmp_path, f"[domain]\n{SYNTHETIC}", table))
    assert plan.products[1].written_bytes < 1000


def test_pieces_beyond_the_older_format_are_told(tmp_path: Path) -> None:
    large = "[domain]\nplanned = true\nland_cells = 21552672\n"
    surface = '[surface]\nsource = "s.nc"\nplanned = true\nvariables = ["PCT_SAND", "MONTHLY_LAI"]\n'
    plan = plan_job(job(tmp_path, large, surface))
    assert plan.format_holds
    # 12 months x 17 plant types x 8 bytes for each cell.
    assert plan.largest == (21552672 * 12 * 17 * 8, "surface MONTHLY_LAI")
    assert any("CDF-2 (4 GiB a piece) would not" in line for line in plan_lines(plan))


def test_ids_of_copies_take_64_bits_where_they_must(tmp_path: Path) -> None:
    large = '[domain]\nplanned = true\nland_cells = 21552672\n[duplicate]\ntimes = "100"\n'
    copies = plan_job(job(tmp_path, large)).products[1]
    kinds = {variable.name: variable.dtype for variable in copies.files[0].schema.variables}
    assert kinds["gridID"] == "i8"
    assert kinds["gridXID"] == "i4"


def test_the_page_shows_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["craft", "plan", str(ROOT / "docs" / "north_america.toml")]) == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    page = (ROOT / "docs" / "craft_plan.md").read_text(encoding="utf-8").splitlines()
    start = page.index(printed[0])
    shown = page[start : page.index("```", start)]
    machine = ("disk", "machine", "warning")
    assert [line for line in shown if not line.startswith(machine)] == [
        line for line in printed if not line.startswith(machine)
    ]


def test_the_page_shows_the_job_that_it_plans() -> None:
    page = (ROOT / "docs" / "craft_plan.md").read_text(encoding="utf-8")
    assert (ROOT / "docs" / "north_america.toml").read_text(encoding="utf-8") in page


def test_north_american_forcing_is_that_of_the_arithmetic() -> None:
    plan = plan_job(ROOT / "docs" / "north_america.toml")
    cells = grid_from_text("daymet").number_of_cells
    assert cells == 63_098_050
    forcing = next(one for one in plan.products if one.name == "forcing")
    values = 21_552_672 * 2920 * 7 * 4
    coordinates = 21_552_672 * 84 * (8 + 8 + 4)
    assert forcing.written_bytes == pytest.approx(values + coordinates, rel=1e-6)
