"""ELM's namelists say which files and settings a run used; a case can be made from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiloland.cli.main import main
from kiloland.errors import InputError
from kiloland.run.case import AtmosphereKind, LeafArea, read_case
from kiloland.run.namelist import DEFAULT_ORBITAL_YEAR, find_input, read_namelists

LND_IN = """
&elm_inparm
 dtime = 1800
 fatmlndfrc = '/far/away/domain.nc'
 fsurdat = 'surfdata.nc'
 paramfile = 'params.nc'
 metdata_bypass = 'met'
 finidat = ' '
 spinup_state = 1
/
&ndepdyn_nml
/
"""
DRV_IN = "&seq_infodata_inparm\n orb_mode = 'fixed_year'\n orb_iyear = 1850\n/\n"


def written(folder: Path, text: str = LND_IN, driver: str | None = DRV_IN) -> Path:
    (folder / "lnd_in").write_text(text)
    if driver is not None:
        (folder / "drv_in").write_text(driver)
    return folder / "lnd_in"


def test_the_files_and_settings_are_found(tmp_path: Path) -> None:
    settings = read_namelists(written(tmp_path))
    assert (settings.timestep, settings.orbital_year, settings.spinup_state) == (1800, 1850, 1)
    assert (settings.surface, settings.parameters) == ("surfdata.nc", "params.nc")
    assert (settings.domain, settings.site_forcing, settings.initial) == ("/far/away/domain.nc", "met", "")


def test_without_a_driver_namelist_the_orbit_is_that_of_the_driver_itself(tmp_path: Path) -> None:
    assert read_namelists(written(tmp_path, driver=None)).orbital_year == DEFAULT_ORBITAL_YEAR


@pytest.mark.parametrize(
    ("text", "driver", "says"),
    [
        ("no namelist", DRV_IN, "lnd_in: not a Fortran namelist"),
        ("&elm_inparm\n dtime = ", DRV_IN, "lnd_in"),
        ("&other\n a = 1\n/\n", DRV_IN, "no group elm_inparm (found ['other'])"),
        (LND_IN.replace(" dtime = 1800\n", ""), DRV_IN, "elm_inparm: dtime: key missing"),
        (LND_IN.replace("dtime = 1800", "dtime = 'soon'"), DRV_IN, "dtime"),
        (LND_IN.replace(" dtime", " use_fates = .true.\n dtime"), DRV_IN, "use_fates"),
        (LND_IN.replace(" dtime", " use_crop = .true.\n dtime"), DRV_IN, "configuration not supported"),
        (LND_IN, DRV_IN.replace("fixed_year", "variable_year"), "only a fixed orbital year"),
    ],
)
def test_what_cannot_be_used_is_told_with_file_and_key(
    tmp_path: Path, text: str, driver: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_namelists(written(tmp_path, text, driver))
    assert says in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_absent_namelists_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lnd_in: no such file"):
        read_namelists(tmp_path / "lnd_in")
    with pytest.raises(InputError, match="drv: no such file"):
        read_namelists(written(tmp_path), tmp_path / "drv")


def test_inputs_are_found_by_their_last_part_also_gzipped(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    (other / "a.nc.gz").touch()
    (other / "b.nc").touch()
    (one / "b.nc").touch()
    assert find_input("/gone/a.nc", [one, other]) == other / "a.nc.gz"
    assert find_input("b.nc", [one, other]) == one / "b.nc"
    with pytest.raises(InputError, match=rf"/gone/c.nc: {one}, {other}: input not found"):
        find_input("/gone/c.nc", [one, other])


@pytest.mark.oracle
def test_a_case_made_from_elm_passes_the_check(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elm, case = shared / "data/elm", tmp_path / "case.toml"
    made = ["case", "from-elm", str(elm / "b4_4cells8yr/lnd_in"), "--inputs", str(elm / "inputs")]
    made += ["--start", "0002-03-01", "--stop", "0002-03-03", "--name", "four", "-o", str(case)]
    assert main(made) == 0
    settings = read_case(case)
    assert settings.case.name == "four"
    assert settings.atmosphere.kind is AtmosphereKind.ELM_SITE
    assert settings.input.leaf_area is LeafArea.SURFACE
    assert settings.input.domain.name == "domain_4.nc"
    assert main(["check", str(case)]) in (0, 1), capsys.readouterr().err
    assert "4 land cells" in capsys.readouterr().out


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("--name", "my case"), "must be a word"),
        (("--stop", "0002-02-30"), "no such date"),
        (("--start", "0002-06-01"), "must be later than case.start"),
        (("--restart", "r.0002-01-01.nc.gz"), "the start is the date of the restart"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_case_that_could_not_run_is_not_written(
    shared: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    says: str,
) -> None:
    elm, case = shared / "data/elm", tmp_path / "case.toml"
    option, value = change
    if option == "--restart":
        value = str(elm / "b4_4cells8yr" / value)
    made = ["case", "from-elm", str(elm / "b4_4cells8yr/lnd_in"), "--inputs", str(elm / "inputs")]
    made += ["--start", "0002-03-01", "--stop", "0002-03-03", "-o", str(case)]
    assert main([*made, option, value]) == 2
    assert says in capsys.readouterr().err
    assert not case.exists()
