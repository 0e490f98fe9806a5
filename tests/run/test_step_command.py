"""``kiloland step``: from one of ELM's restarts to a later one, driven by ELM's own fluxes or by ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.land.subgrid import ColumnGroup, ColumnType
from kiloland.run.clock import date_label, parse_date
from kiloland.run.restart import Restart, read_restart, soil_columns

pytestmark = pytest.mark.oracle

GROUND = slice(5, 20)
ONE_STEP = dict.fromkeys(
    (
        *("T_SOISNO", "T_GRND", "T_VEG", "T_REF2M", "TH2OSFC", "EFLX_LWRAD_OUT"),
        *("H2OSOI_LIQ", "H2OSOI_ICE", "H2OSNO", "SNOW_DEPTH", "H2OSFC", "FH2OSFC", "H2OCAN", "FWET"),
        *("ZWT", "WA", "ZWT_PERCH", "FROST_TABLE", "frac_sno", "INT_SNOW", "snw_rds", "mss_bcphi"),
    ),
    1e-10,
)
"""Variables of soil columns and their largest relative or absolute difference after one step."""
MOVING = frozenset({"T_SOISNO", "T_GRND", "T_VEG", "T_REF2M", "EFLX_LWRAD_OUT", "H2OSOI_LIQ", "ZWT"})
"""Those of them that change in every step."""
ALBEDOS = ("albd", "albi", "fabd", "fabi", "ftdd", "ftid", "ftii", "albgrd", "albgri")


@dataclass(frozen=True)
class Reference:
    """Consecutive restarts of ELM and the tape of their fluxes."""

    folder: str
    first: str
    tape: str


SUMMER = Reference("s6_summer_restart_each_step", "0016-07-01-00000", "s5_summer5day_perstep/h1.nc.gz")
WINTER = Reference("q5w_4cells_winter_steps", "0008-01-01-00000", "q5w_4cells_winter_steps/h1.nc.gz")
FOUR = Reference("q5d_4cells_summer_steps", "0008-07-01-00000", "q5d_4cells_summer_steps/h1.nc.gz")


def restart_after(shared: Path, reference: Reference, steps: int) -> Path:
    label = date_label(parse_date(reference.first) + steps * 1800)
    folder = shared / "data/elm" / reference.folder
    found = [*folder.glob(f"*.elm.r.{label}.nc.gz"), *folder.glob(f"r*.{label[:10]}.nc.gz")]
    assert found, f"{folder} has no restart of {label}"
    return found[0]


def step(shared: Path, reference: Reference, steps: int, out: Path, *, prescribe: bool) -> Restart:
    """Run the command and read what it wrote."""
    elm = shared / "data/elm"
    words = ["step", restart_after(shared, reference, 0), "--inputs", elm / "inputs"]
    words += ["--namelist", elm / reference.folder / "lnd_in", "--steps", steps, "-o", out]
    if prescribe:
        words += ["--prescribe", elm / reference.tape]
    assert main(["-q", *map(str, words)]) == 0
    return read_restart(out)


def temperature_error(ours: Restart, theirs: Restart, group: ColumnGroup) -> float:
    difference = ours.values["T_SOISNO"] - theirs.values["T_SOISNO"]
    return float(np.abs(difference[group.column_row, GROUND]).max())


@pytest.mark.parametrize("steps", [1, 48])
@pytest.mark.parametrize("reference", [SUMMER, FOUR], ids=["one cell", "four cells"])
def test_with_the_fluxes_of_elm_temperature_and_albedo_are_those_of_elm(
    shared: Path, tmp_path: Path, reference: Reference, steps: int
) -> None:
    ours = step(shared, reference, steps, tmp_path / "out.nc", prescribe=True)
    theirs = read_restart(restart_after(shared, reference, steps))
    group = soil_columns(theirs)
    assert ours.date == theirs.date
    assert temperature_error(ours, theirs, group) <= 1e-10
    for name in ALBEDOS:
        rows = group.column_row if name.startswith("albg") else group.patch_row
        a, b = ours.values[name][rows], theirs.values[name][rows]
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12, err_msg=name)


def test_without_a_tape_the_ground_is_driven_by_its_own_fluxes(shared: Path, tmp_path: Path) -> None:
    before = read_restart(restart_after(shared, FOUR, 0))
    after = step(shared, FOUR, 48, tmp_path / "out.nc", prescribe=False)
    group = soil_columns(before)
    assert list(after.values) == list(before.values), "the full restart of ELM is written"
    assert after.seconds - before.seconds == 86_400
    top = after.values["T_SOISNO"][group.column_row, 5]
    assert np.isfinite(after.values["T_SOISNO"][group.column_row, GROUND]).all()
    assert (np.abs(top - before.values["T_SOISNO"][group.column_row, 5]) < 25.0).all()
    assert temperature_error(after, before, group) > 0.01, "a day leaves its mark"
    for name in ("leafc", "smin_no3_vr", "LAKE_SOILC"):
        if name in before.values:
            assert before.values[name].tobytes() == after.values[name].tobytes(), "what is carried stays"


@pytest.mark.parametrize("reference", [FOUR, WINTER], ids=["summer", "winter"])
def test_one_step_from_restart_and_weather_alone_is_that_of_elm(
    shared: Path, tmp_path: Path, reference: Reference
) -> None:
    """Soil columns but for the albedos, which take the leaf area that vegetation has after the step."""
    before, theirs = (read_restart(restart_after(shared, reference, number)) for number in (0, 1))
    ours = step(shared, reference, 1, tmp_path / "out.nc", prescribe=False)
    group, lake = soil_columns(before), before.values["cols1d_ityp"] == ColumnType.LAKE
    for name, bar in ONE_STEP.items():
        on_patches = before.values[name].shape[0] == before.dimensions["pft"]
        rows = group.patch_row if on_patches else group.column_row
        a, b, was = (restart.values[name][rows] for restart in (ours, theirs, before))
        np.testing.assert_allclose(a, b, rtol=bar, atol=bar, err_msg=name)
        assert name not in MOVING or not np.array_equal(was, b), (
            f"{name} does not change: the test shows nothing"
        )
    for name in ("T_LAKE", "LAKE_ICEFRAC", "T_GRND"):
        np.testing.assert_allclose(
            ours.values[name][lake], theirs.values[name][lake], rtol=1e-9, atol=1e-9, err_msg=name
        )


@pytest.mark.slow
@pytest.mark.parametrize("run", ["temperate/zjan", "tundra/vjul"])
def test_one_step_of_every_kind_of_column_is_that_of_elm(shared: Path, tmp_path: Path, run: str) -> None:
    """Lakes, land ice, wetlands and towns: pytest -m slow tests/run/test_step_command.py (minutes)."""
    zoo, out = shared / "data/elm/zoo", tmp_path / "out.nc"
    words = ["step", zoo / run / "r.step00.nc.gz", "--inputs", zoo / run.split("/")[0] / "inputs"]
    words += ["--inputs", zoo / "inputs_shared", "--namelist", zoo / run / "lnd_in", "--steps", 1, "-o", out]
    assert main(["-q", *map(str, words)]) == 0
    before, theirs = (read_restart(zoo / run / f"r.step0{number}.nc.gz") for number in (0, 1))
    ours, moved = read_restart(out), 0
    for name in OTHER_KINDS:
        prefix, kind = (
            ("pfts1d", "itypcol")
            if len(before.values[name]) == before.dimensions["pft"]
            else (
                "cols1d",
                "ityp",
            )
        )
        values = before.values
        weight, type_ = values[f"{prefix}_wtxy"], values[f"{prefix}_{kind}"]
        chosen = (values[f"{prefix}_active"] == 1) & (weight > 0.0) & (type_ != ColumnType.SOIL)
        a, b, was = (restart.values[name][chosen] for restart in (ours, theirs, before))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10, err_msg=name)
        moved += int(not np.array_equal(was, b))
    assert moved >= 10


OTHER_KINDS = (
    *(
        "T_SOISNO",
        "T_GRND",
        "H2OSOI_LIQ",
        "H2OSOI_ICE",
        "H2OSNO",
        "SNOW_DEPTH",
        "SNLSNO",
        "T_LAKE",
        "WA",
        "ZWT",
    ),
    *("EFLX_LWRAD_OUT", "T_REF2M", "T_REF2M_U", "T_VEG", "albd", "albi", "URBAN_AC", "URBAN_HEAT", "coszen"),
    *("T10_VALUE", "T_VEG240_VALUE", "FSD24_VALUE", "PREC60_VALUE", "TREFAV_VALUE", "TREFAV_U_VALUE"),
)
"""Variables of lakes, land ice, wetlands and towns that a step advances."""


def test_more_steps_than_the_tape_has_are_told(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elm = shared / "data/elm"
    words = ["step", restart_after(shared, FOUR, 0), "--inputs", elm / "inputs", "--steps", 49]
    words += ["--namelist", elm / FOUR.folder / "lnd_in", "--prescribe", elm / FOUR.tape]
    assert main([*map(str, words), "-o", str(tmp_path / "out.nc")]) == 2
    message = capsys.readouterr().err
    assert "h1.nc.gz: 0008-07-02-01800: no record of the step that ends then" in message
    assert "found 0008-07-01-01800 to 0008-07-02-00000" in message
    assert not (tmp_path / "out.nc").exists()


def test_a_tape_that_prescribes_nothing_is_told(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elm = shared / "data/elm"
    words = ["step", restart_after(shared, FOUR, 0), "--inputs", elm / "inputs", "--steps", 1]
    words += ["--namelist", elm / FOUR.folder / "lnd_in", "--prescribe", elm / FOUR.folder / "h0.nc.gz"]
    assert main([*map(str, words), "-o", str(tmp_path / "out.nc")]) == 2
    message = capsys.readouterr().err
    assert "EFLX_GNET: the tape does not prescribe the heat flux into the ground" in message


def test_a_tape_of_another_run_is_told(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elm = shared / "data/elm"
    words = ["step", restart_after(shared, FOUR, 0), "--inputs", elm / "inputs", "--steps", 1]
    words += ["--namelist", elm / FOUR.folder / "lnd_in", "--prescribe", elm / SUMMER.tape]
    assert main([*map(str, words), "-o", str(tmp_path / "out.nc")]) == 2
    assert "tape and restart differ in the number of column members" in capsys.readouterr().err
