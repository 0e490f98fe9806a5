"""Forcing from daily files: closure in the files, cells, stamps, resuming, and each fault as one message."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import netCDF4
import numpy as np
import pytest
from forcing_sources import (
    AROUND,
    COLUMNS,
    GRID,
    NAMES,
    ROWS,
    YEAR,
    daily_values,
    local_days,
    make_domain,
    make_source,
    read_year,
)

from kiloland.atmosphere import (
    ModelTimes,
    Places,
    StreamSource,
    TimeCycle,
    check_forcing_file,
    orbital_parameters,
    seconds_of_date,
)
from kiloland.atmosphere.derive import saturation_specific_humidity, vapour_pressure
from kiloland.atmosphere.streams import daymet_streams
from kiloland.cli.main import main
from kiloland.craft.forcing import ForcingRequest, craft_forcing
from kiloland.craft.forcing.bins import local_day_shift
from kiloland.craft.forcing.samples import write_daymet, write_reanalysis, write_three_hourly
from kiloland.errors import ExitCode, InputError, OutputError
from kiloland.files import DatasetWriter
from kiloland.grid import DaymetGrid, Domain, RegularGrid, build_domain, read_domain, write_domain

SINGLE = 2.0**-23


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def made(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Domain]:
    folder = tmp_path_factory.mktemp("made")
    domain = make_domain(folder / "domain.nc")
    craft_forcing(request(source, folder))
    return folder, domain


def request(source: Path, folder: Path, output: Path | None = None) -> ForcingRequest:
    return ForcingRequest(source, folder / "domain.nc", YEAR, YEAR, output or folder / "out")


def linked(source: Path, target: Path) -> Path:
    """The same source by links, to be changed."""
    target.mkdir()
    for file in source.iterdir():
        (target / file.name).symlink_to(file)
    return target


def changed(folder: Path, name: str) -> netCDF4.Dataset:
    """A file of a linked source as a copy that is open for changes."""
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    return netCDF4.Dataset(path, "a")


class TestClosure:
    """What the files hold over local days is what Daymet says."""

    def test_daily_extremes_of_temperature_are_exact(self, source: Path, made: tuple[Path, Domain]) -> None:
        folder, domain = made
        days = local_days(read_year(folder / "out", "TBOT"), domain.longitude)
        for name, reduce in (("tmin", np.min), ("tmax", np.max)):
            wanted = (daily_values(source, name, domain) + 273.15).astype(np.float32)[1:364]
            np.testing.assert_array_equal(reduce(days, axis=1).astype(np.float32), wanted)

    def test_daily_precipitation_closes_to_one_unit_in_the_last_place(
        self, source: Path, made: tuple[Path, Domain]
    ) -> None:
        folder, domain = made
        days = local_days(read_year(folder / "out", "PRECTmms"), domain.longitude)
        wanted = daily_values(source, "prcp", domain)[1:364]
        total = days.sum(axis=1) * 10_800
        assert (np.abs(total - wanted) <= SINGLE * wanted).all()
        assert (days[np.broadcast_to((wanted == 0.0)[:, None], days.shape)] == 0.0).all()
        assert (wanted > 0).any()

    def test_daily_shortwave_closes(self, source: Path, made: tuple[Path, Domain]) -> None:
        folder, domain = made
        days = local_days(read_year(folder / "out", "FSDS"), domain.longitude)
        srad, length = (daily_values(source, name, domain)[1:364] for name in ("srad", "dayl"))
        wanted = srad * length / 86_400
        assert (np.abs(days.mean(axis=1) - wanted) <= SINGLE * wanted).all()

    def test_daily_vapour_pressure_closes_except_where_saturation_cuts_it(
        self, source: Path, made: tuple[Path, Domain]
    ) -> None:
        folder, domain = made
        humidity, pressure, temperature = (
            local_days(read_year(folder / "out", name), domain.longitude) for name in ("QBOT", "PSRF", "TBOT")
        )
        wanted = daily_values(source, "vp", domain)[1:364]
        np.testing.assert_allclose(vapour_pressure(humidity, pressure).mean(axis=1), wanted, rtol=3e-7)
        assert (humidity <= saturation_specific_humidity(temperature, pressure)).all()

    def test_the_last_day_of_a_leap_year_is_made_and_the_leap_day_left_out(
        self, source: Path, made: tuple[Path, Domain]
    ) -> None:
        folder, domain = made
        assert read_year(folder / "out", "TBOT").shape == (2920, domain.number_of_cells)
        with netCDF4.Dataset(folder / "out" / f"clmforc.Daymet4.1km.1d.TBOT.{YEAR}-12.nc") as file:
            assert "30 December" in file.made_days
        summary = craft_forcing(request(source, folder))
        assert sum("29 February left out" in line for line in summary.lines()) == 2


class TestFiles:
    """What the data atmosphere and the checks find in the files."""

    def test_every_file_passes_the_check(self, made: tuple[Path, Domain]) -> None:
        for file in sorted((made[0] / "out").glob("*.nc")):
            assert check_forcing_file(file) == []

    def test_the_model_reads_them_and_gets_the_daily_total_of_rain(
        self, source: Path, made: tuple[Path, Domain]
    ) -> None:
        folder, domain = made
        streams = daymet_streams(folder / "out", TimeCycle(YEAR, YEAR, 1))
        places = Places(domain.longitude, domain.latitude, domain.gridcell_id)
        reader = StreamSource.open(streams, places, orbital_parameters(1990))
        for step in (1800, 3600):
            times = ModelTimes(seconds_of_date(10101), step, 30 * 86_400 // step)
            forcing = reader.load(times, np.arange(domain.number_of_cells))
            rates = (forcing.rain + forcing.snow).reshape(-1, 10_800 // step, domain.number_of_cells)
            stored = read_year(folder / "out", "PRECTmms")[: 30 * 8]
            np.testing.assert_allclose(rates.mean(axis=1), stored, rtol=1e-12)
            assert forcing.shortwave_direct_visible.min() >= 0.0

    def test_stamps_are_those_of_the_interpolation_and_say_so(self, made: tuple[Path, Domain]) -> None:
        stamps = {"FSDS": 0.0, "PRECTmms": 1.25, "TBOT": 1.5}
        words = {"FSDS": "coszen", "PRECTmms": "nearest", "TBOT": "linear"}
        for name, hour in stamps.items():
            with netCDF4.Dataset(made[0] / "out" / f"clmforc.Daymet4.1km.1d.{name}.{YEAR}-02.nc") as file:
                np.testing.assert_allclose(file["time"][:] * 24, hour + 3 * np.arange(28 * 8), atol=1e-9)
                assert words[name] in file["time"].time_interpolation
                assert file[name].time_interpolation == words[name]
                assert file["time"].calendar == "noleap"
                assert "ynthetic" in file.source_comment

    def test_stream_descriptions_name_files_that_exist(self, made: tuple[Path, Domain]) -> None:
        folder = made[0]
        texts = sorted((folder / "out").glob("user_datm.streams.txt.uELM_NA.*"))
        assert {path.suffix[1:] for path in texts} == set(NAMES)
        for path in texts:
            root = ElementTree.parse(path).getroot()
            where = Path(str(root.findtext("fieldInfo/filePath")).strip())
            names = str(root.findtext("fieldInfo/fileNames")).split()
            assert len(names) == 12
            assert all((where / name).is_file() for name in names)
            domain = Path(str(root.findtext("domainInfo/filePath")).strip())
            assert (domain / str(root.findtext("domainInfo/fileNames")).strip()).is_file()

    def test_cells_come_in_the_order_of_the_domain_and_off_land_is_left_out(
        self, source: Path, tmp_path: Path
    ) -> None:
        domain = make_domain(tmp_path / "domain.nc")
        mask = np.array([1, 0, 1, 1], dtype=np.int32)
        write_domain(tmp_path / "domain.nc", replace(domain, mask=mask, fraction=mask.astype(float)))
        craft_forcing(replace(request(source, tmp_path), parts=12))
        with netCDF4.Dataset(tmp_path / "out" / f"clmforc.Daymet4.1km.1d.TBOT.{YEAR}-01.nc") as file:
            np.testing.assert_array_equal(file["gridID"][0], domain.gridcell_id[mask == 1])

    @pytest.mark.parametrize("memory", [64, 4096])
    def test_memory_and_parts_do_not_change_a_bit(
        self, source: Path, made: tuple[Path, Domain], tmp_path: Path, memory: int
    ) -> None:
        make_domain(tmp_path / "domain.nc")
        other = replace(request(source, tmp_path), memory=memory, part=2, parts=12)
        assert craft_forcing(other).written == 7
        for name in NAMES:
            file = f"clmforc.Daymet4.1km.1d.{name}.{YEAR}-02.nc"
            assert (tmp_path / "out" / file).read_bytes() == (made[0] / "out" / file).read_bytes()


class TestResume:
    """Finished pieces are kept and used."""

    def test_finished_files_are_verified_and_kept_damaged_ones_made_again(
        self, source: Path, made: tuple[Path, Domain], tmp_path: Path
    ) -> None:
        shutil.copytree(made[0] / "out", tmp_path / "out")
        shutil.copy(made[0] / "domain.nc", tmp_path)
        lost = tmp_path / "out" / f"clmforc.Daymet4.1km.1d.WIND.{YEAR}-05.nc"
        damaged = tmp_path / "out" / f"clmforc.Daymet4.1km.1d.QBOT.{YEAR}-06.nc"
        before = {path: path.read_bytes() for path in (lost, damaged)}
        lost.unlink()
        damaged.write_bytes(before[damaged][:-40] + b"\x11" * 40)
        summary = craft_forcing(request(source, tmp_path))
        assert (summary.written, summary.kept) == (2, 82)
        assert {path: path.read_bytes() for path in before} == before

    def test_a_full_disk_in_the_middle_keeps_the_finished_months(
        self, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_domain(tmp_path / "domain.nc")
        put = DatasetWriter.put

        def full(self: DatasetWriter, name: str, array: object, start: tuple[int, ...] | None = None) -> None:
            if f"{YEAR}-03" in str(self.path) and name == "FSDS":
                raise OutputError(f"{self.path}: cannot be written (No space left on device)")
            put(self, name, array, start)

        monkeypatch.setattr(DatasetWriter, "put", full)
        with pytest.raises(OutputError, match="No space left"):
            craft_forcing(request(source, tmp_path))
        assert len(list((tmp_path / "out").iterdir())) == 14
        monkeypatch.setattr(DatasetWriter, "put", put)
        summary = craft_forcing(replace(request(source, tmp_path), part=1, parts=1))
        assert (summary.written, summary.kept) == (70, 14)

    def test_files_of_other_cells_are_not_overwritten(
        self, source: Path, made: tuple[Path, Domain], tmp_path: Path
    ) -> None:
        domain = read_domain(made[0] / "domain.nc")
        write_domain(tmp_path / "domain.nc", domain.take(slice(0, 2)))
        with pytest.raises(InputError, match="other cells"):
            craft_forcing(request(source, tmp_path, made[0] / "out"))


class TestBadInput:
    """One message each, before anything is written."""

    def refused(self, source: Path, tmp_path: Path, *words: str) -> None:
        if not (tmp_path / "domain.nc").exists():
            make_domain(tmp_path / "domain.nc")
        with pytest.raises(InputError) as error:
            craft_forcing(request(source, tmp_path))
        for word in words:
            assert word in str(error.value)
        assert not list((tmp_path / "out").glob("*.nc"))

    def test_a_missing_day(self, source: Path, tmp_path: Path) -> None:
        folder = linked(source, tmp_path / "source")
        with changed(folder, f"daymet_v4_daily_na_prcp_{YEAR}.nc") as file:
            file["time"][200:] = np.asarray(file["time"][200:]) + 1.0
            file["yearday"][200:] = np.asarray(file["yearday"][200:]) + 1
        self.refused(folder, tmp_path, f"prcp_{YEAR}.nc", "a day is missing", f"{YEAR}-07-19")

    def test_a_missing_year(self, source: Path, tmp_path: Path) -> None:
        folder = linked(source, tmp_path / "source")
        (folder / f"daymet_v4_daily_na_vp_{YEAR}.nc").unlink()
        self.refused(folder, tmp_path, "a year of Daymet is missing", "vp")

    def test_a_reanalysis_that_does_not_cover_the_days(self, source: Path, tmp_path: Path) -> None:
        folder = linked(source, tmp_path / "source")
        (folder / f"clmforc.GSWP3.c2011.synthetic.Prec.{YEAR}-12.nc").unlink()
        self.refused(
            folder, tmp_path, "does not cover the days", "PRECTmms", f"{YEAR}-12-01", f"{YEAR}-01-01"
        )

    def test_a_hole_in_the_reanalysis(self, source: Path, tmp_path: Path) -> None:
        folder = linked(source, tmp_path / "source")
        (folder / f"clmforc.GSWP3.c2011.synthetic.Solr.{YEAR}-06.nc").unlink()
        self.refused(folder, tmp_path, "samples are missing", "FSDS", f"{YEAR}-05-31 21:00:00")

    def test_a_reanalysis_without_values_around_a_cell(self, source: Path, tmp_path: Path) -> None:
        folder = linked(source, tmp_path / "source")
        with changed(folder, f"clmforc.GSWP3.c2011.synthetic.TPQWL.{YEAR}-01.nc") as file:
            file["WIND"][9, :, :] = np.nan
        self.refused(folder, tmp_path, "lacks values around a cell", "WIND", "cell 0")

    def test_a_reanalysis_of_another_place(self, source: Path, tmp_path: Path) -> None:
        folder = tmp_path / "source"
        write_daymet(folder, GRID, ROWS, COLUMNS, YEAR)
        write_reanalysis(folder, RegularGrid(180.0, 186.0, 6, 62.0, 68.0, 6), YEAR)
        self.refused(folder, tmp_path, "outside the grid of the reanalysis", "longitude")

    def test_cells_that_the_files_do_not_hold(self, source: Path, tmp_path: Path) -> None:
        domain = make_domain(tmp_path / "domain.nc")
        write_domain(tmp_path / "domain.nc", build_domain(GRID, domain.gridcell_id + 40))
        self.refused(source, tmp_path, "not in the file", str(int(domain.gridcell_id[0]) + 40))

    def test_a_grid_of_another_projection(self, source: Path, tmp_path: Path) -> None:
        folder = linked(source, tmp_path / "source")
        with changed(folder, f"daymet_v4_daily_na_tmin_{YEAR}.nc") as file:
            file["x"][:] = np.asarray(file["x"][:]) + 300.0
        self.refused(folder, tmp_path, "not lie on the grid", "0.300 cells")

    @pytest.mark.parametrize(
        ("name", "attribute", "words"),
        [
            ("daymet_v4_daily_na_vp", "kPa", "wrong units"),
            ("daymet_v4_daily_na_tmax", "K", "wrong units"),
            ("clmforc.GSWP3.c2011.synthetic.TPQWL", "hPa", "wrong units"),
        ],
    )
    def test_wrong_units(self, source: Path, tmp_path: Path, name: str, attribute: str, words: str) -> None:
        folder = linked(source, tmp_path / "source")
        file_name = f"{name}_{YEAR}.nc" if "daymet" in name else f"{name}.{YEAR}-01.nc"
        with changed(folder, file_name) as file:
            file["PSRF" if "GSWP3" in name else name.split("_")[-1]].units = attribute
        self.refused(folder, tmp_path, words, attribute)

    def test_a_folder_without_forcing(self, tmp_path: Path) -> None:
        (tmp_path / "source").mkdir()
        self.refused(tmp_path / "source", tmp_path, "no forcing in the folder")

    def test_no_value_on_land_ends_the_work_and_keeps_what_is_finished(
        self, source: Path, tmp_path: Path
    ) -> None:
        folder = linked(source, tmp_path / "source")
        make_domain(tmp_path / "domain.nc")
        with changed(folder, f"daymet_v4_daily_na_srad_{YEAR}.nc") as file:
            file["srad"][100, 1, 1] = -9999.0
        with pytest.raises(InputError, match="no value on land") as error:
            craft_forcing(request(folder, tmp_path))
        assert f"{YEAR}-04-1" in str(error.value)
        assert len(list((tmp_path / "out").glob("*.nc"))) in (14, 21)
        summary = craft_forcing(request(source, tmp_path))
        assert summary.kept in (14, 21)

    @pytest.mark.parametrize("years", ["2004", "2004:x", "2005:2004"])
    def test_the_command_line(
        self, source: Path, made: tuple[Path, Domain], capsys: pytest.CaptureFixture[str], years: str
    ) -> None:
        arguments = ["craft", "forcing", "--source", str(source), "--domain", str(made[0] / "domain.nc")]
        code = main([*arguments, "--years", years, "-o", str(made[0] / "out")])
        if years == "2004":
            assert code == ExitCode.OK
            assert "84 verified and kept" in capsys.readouterr().out
        else:
            assert code == ExitCode.BAD_INPUT


class TestOtherSources:
    """Reanalyses of other kinds, and three-hourly maps."""

    @pytest.mark.parametrize("grid", [AROUND, RegularGrid(-169.0, -162.0, 14, 68.0, 62.0, 12)])
    def test_direction_of_latitude_and_convention_of_longitude_do_not_matter(
        self, made: tuple[Path, Domain], tmp_path: Path, grid: RegularGrid
    ) -> None:
        make_domain(tmp_path / "domain.nc")
        write_daymet(tmp_path / "source", GRID, ROWS, COLUMNS, YEAR)
        write_reanalysis(tmp_path / "source", grid, YEAR)
        craft_forcing(replace(request(tmp_path / "source", tmp_path), part=7, parts=12))
        for name in ("TBOT", "FSDS", "WIND", "PRECTmms"):
            file = f"clmforc.Daymet4.1km.1d.{name}.{YEAR}-07.nc"
            with netCDF4.Dataset(tmp_path / "out" / file) as a, netCDF4.Dataset(made[0] / "out" / file) as b:
                np.testing.assert_allclose(a[name][:], b[name][:], rtol=2e-4, atol=1e-3)

    @pytest.mark.parametrize("hours", [1, 6])
    def test_hourly_and_six_hourly_reanalyses_keep_the_days(self, tmp_path: Path, hours: int) -> None:
        domain = make_domain(tmp_path / "domain.nc")
        make_source(tmp_path / "source", hours=hours)
        craft_forcing(replace(request(tmp_path / "source", tmp_path), part=1, parts=12))
        for name, daily, reduce in (("TBOT", "tmax", np.max), ("PRECTmms", "prcp", np.sum)):
            with netCDF4.Dataset(tmp_path / "out" / f"clmforc.Daymet4.1km.1d.{name}.{YEAR}-01.nc") as file:
                values = np.asarray(file[name][:, 0], dtype=np.float64)
            begin = 8 + int(local_day_shift(domain.longitude)[0])
            found = reduce(values[begin : begin + 8 * 29].reshape(29, 8, -1), axis=1)
            wanted = daily_values(tmp_path / "source", daily, domain)[1:30]
            wanted = wanted + 273.15 if daily == "tmax" else wanted / 10_800
            np.testing.assert_allclose(found, wanted, rtol=SINGLE)

    @pytest.mark.parametrize(
        ("region", "left", "top"), [("hi", -5_802_750.0, -38_500.0), ("pr", 3_444_750.0, -1_894_500.0)]
    )
    def test_grids_of_hawaii_and_puerto_rico(
        self, tmp_path: Path, region: str, left: float, top: float
    ) -> None:
        grid = DaymetGrid(60, 80, left, top)
        domain = build_domain(grid, np.array([30 * 80 + 40, 31 * 80 + 44]))
        write_domain(tmp_path / "domain.nc", domain)
        write_daymet(tmp_path / "source", grid, slice(28, 34), slice(38, 47), YEAR, region=region)
        west, south = np.floor(domain.longitude.min()) - 1.0, np.floor(domain.latitude.min()) - 1.0
        write_reanalysis(tmp_path / "source", RegularGrid(west, west + 4, 4, south, south + 4, 4), YEAR)
        craft_forcing(replace(request(tmp_path / "source", tmp_path), part=2, parts=12))
        with netCDF4.Dataset(tmp_path / "out" / f"clmforc.Daymet4.1km.1d.TBOT.{YEAR}-02.nc") as file:
            np.testing.assert_array_equal(file["gridID"][0], domain.gridcell_id)
            np.testing.assert_allclose(file["LATIXY"][0], domain.latitude)

    def test_three_hourly_maps_are_taken_as_they_are(self, tmp_path: Path) -> None:
        domain = make_domain(tmp_path / "domain.nc")
        for month in range(1, 13):
            write_three_hourly(tmp_path / "source", GRID, ROWS, COLUMNS, YEAR, month)
        summary = craft_forcing(request(tmp_path / "source", tmp_path))
        assert summary.written == 84
        rows, columns = domain.row - ROWS.start, domain.column - COLUMNS.start
        for name in ("TBOT", "FSDS"):
            for month, keep in ((1, slice(None)), (2, slice(0, 224)), (12, slice(0, 240))):
                stem = f"{name}.{YEAR}-{month:02d}.nc"
                with (
                    netCDF4.Dataset(tmp_path / "source" / f"clmforc.Daymet4.1km.{stem}") as before,
                    netCDF4.Dataset(tmp_path / "out" / f"clmforc.Daymet4.1km.1d.{stem}") as after,
                ):
                    wanted = np.asarray(before[name][keep])[:, rows, columns]
                    found = np.asarray(after[name][:, 0])
                    np.testing.assert_array_equal(found[: len(wanted)], wanted)
                    if month == 12:
                        np.testing.assert_array_equal(found[240:], wanted[-8:])
        for file in (tmp_path / "out").glob("*2004-1*.nc"):
            assert check_forcing_file(file) == []

    def test_a_map_without_a_value_on_land_is_refused(self, tmp_path: Path) -> None:
        make_domain(tmp_path / "domain.nc")
        for month in range(1, 13):
            write_three_hourly(tmp_path / "source", GRID, ROWS, COLUMNS, YEAR, month)
        with netCDF4.Dataset(tmp_path / "source" / f"clmforc.Daymet4.1km.WIND.{YEAR}-01.nc", "a") as file:
            file["WIND"][3, 1, 1] = -9999.0
        with pytest.raises(InputError, match=r"WIND.*2004-01-01 09:00:00, gridcell 10167715.*missing"):
            craft_forcing(request(tmp_path / "source", tmp_path))
