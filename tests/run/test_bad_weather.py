"""Faults of the weather are found by the check and stop the run, which can be resumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from faults import JULY, Change, attribute, drop, one_message, scale, spoken, weather
from run_cases import (
    Arrays,
    Table,
    assert_same_results,
    at_the_end,
    leftovers,
    linked,
    rewrite,
    run,
    write_case,
)

from kiloland.cli.main import main
from kiloland.craft.synthetic_weather import PREFIX


@dataclass(frozen=True)
class WeatherFault:
    """A fault of a weather file of July: how it is spoiled, and words of the messages of run and check."""

    name: str
    variable: str
    change: Change | None
    says: tuple[str, ...]
    check_says: tuple[str, ...] = ()
    check_code: int = 1


NOON = 4
"""Sample of the first day of the month at 12:00 UTC."""


def sample(variable: str, value: float, cell: int = 7) -> Change:
    """One value of the first day."""

    def change(arrays: Arrays, attributes: dict[str, Table]) -> None:
        arrays[variable][NOON, 0, cell] = value

    return change


def add(variable: str, value: float) -> Change:
    def change(arrays: Arrays, attributes: dict[str, Table]) -> None:
        arrays[variable] = (arrays[variable] + value).astype(arrays[variable].dtype)

    return change


def gap(arrays: Arrays, attributes: dict[str, Table]) -> None:
    """The samples of the second half of the first day are gone."""
    time_dependent = [name for name in arrays if len(arrays[name]) == 248]
    for name in time_dependent:
        arrays[name] = np.delete(arrays[name], slice(4, 8), axis=0)


def leap_day(arrays: Arrays, attributes: dict[str, Table]) -> None:
    """A February of 29 days in a calendar that has none."""
    extra = arrays["time"].dtype.type(28.0) + np.arange(8, dtype=arrays["time"].dtype) / 8
    for name in [name for name in arrays if len(arrays[name]) == 224]:
        more = extra if name == "time" else arrays[name][-8:]
        arrays[name] = np.concatenate([arrays[name], more])


def other_ids(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["gridID"] += 1000


def falling_ids(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["gridID"][...] = arrays["gridID"][..., ::-1].copy()


def moved(arrays: Arrays, attributes: dict[str, Table]) -> None:
    arrays["LATIXY"][..., 3] += 0.01


FIRST = "0001-01"
"""The first file of a stream tells where its cells are."""
WEATHER_FAULTS = [
    WeatherFault("file missing", "TBOT", None, ("TBOT.0001-07.nc", "no such file"), check_code=2),
    WeatherFault("variable missing", "TBOT", drop("TBOT"), ("TBOT.0001-07.nc: TBOT",), ("missing",)),
    WeatherFault("time missing", "TBOT", drop("time"), ("TBOT.0001-07", "time"), check_code=2),
    WeatherFault(
        "wrong units",
        "TBOT",
        attribute("TBOT", "units", "degC"),
        ("TBOT.0001-07.nc: TBOT: attribute units", "'degC'", "'K'"),
    ),
    WeatherFault(
        "rain in mm a day",
        "PRECTmms",
        attribute("PRECTmms", "units", "mm/day"),
        ("PRECTmms: attribute units", "'mm/day'"),
    ),
    WeatherFault("Celsius", "TBOT", add("TBOT", -273.15), ("TBOT", "degrees Celsius", "180 to 340")),
    WeatherFault("Fahrenheit", "TBOT", scale("TBOT", 0.21), ("TBOT", "degrees", "180 to 340")),
    WeatherFault("hPa", "PSRF", scale("PSRF", 0.01), ("PSRF", "hPa", "in Pa")),
    WeatherFault("kPa", "PSRF", scale("PSRF", 0.001), ("PSRF", "kPa", "in Pa")),
    WeatherFault("g/kg", "QBOT", scale("QBOT", 1000.0), ("QBOT", "g/kg")),
    WeatherFault(
        "negative sunshine",
        "FSDS",
        sample("FSDS", -5.0),
        ("FSDS.0001-07.nc: FSDS: 0001-07-01", "gridcell", "negative", "-5", "0 to 1600 W/m2"),
        ("negative", "entry 7"),
    ),
    WeatherFault(
        "negative rain",
        "PRECTmms",
        sample("PRECTmms", -1e-4),
        ("PRECTmms: 0001-07-01", "gridcell", "negative precipitation"),
        ("negative precipitation", "entry 7"),
    ),
    WeatherFault(
        "NaN",
        "TBOT",
        sample("TBOT", float("nan")),
        ("TBOT: 0001-07-01", "gridcell", "missing or not a number"),
        ("missing or not a number", "entry 7"),
    ),
    WeatherFault(
        "fill value",
        "WIND",
        sample("WIND", 1e36),
        ("WIND: 0001-07-01", "gridcell", "outside the physical limits"),
        ("outside the physical limits", "entry 7"),
    ),
    WeatherFault("infinite", "FLDS", sample("FLDS", float("inf")), ("FLDS: 0001-07-01", "not a number")),
    WeatherFault("no pressure", "PSRF", sample("PSRF", 0.0), ("PSRF: 0001-07-01", "outside")),
    WeatherFault("gap", "TBOT", gap, ("TBOT.0001-07", "time"), ("gap in time", "0001-07-01")),
    WeatherFault(
        "wrong calendar",
        "TBOT",
        attribute("time", "calendar", "360_day"),
        ("TBOT.0001-07.nc: time", "360_day", "noleap"),
        check_code=2,
    ),
    WeatherFault(
        "times of another month",
        "TBOT",
        attribute("time", "units", "days since 0001-08-01 00:00:00"),
        ("TBOT.0001-07.nc: time", "times outside its month"),
        ("times outside its month",),
    ),
    WeatherFault(
        "times without a date",
        "TBOT",
        attribute("time", "units", "days"),
        ("TBOT.0001-07.nc: time", "time units not understood (found 'days', expected 'days|hours"),
        check_code=2,
    ),
    WeatherFault(
        "other cells",
        "TBOT",
        other_ids,
        ("TBOT.0001-07.nc: gridID", "other cells"),
        ("other cells",),
    ),
]


def spoiled(few: Path, folder: Path, fault: WeatherFault, month: str = JULY) -> Path:
    linked(few, folder)
    if fault.change is None:
        weather(folder, fault.variable, month).unlink()
    else:
        rewrite(weather(folder, fault.variable, month), fault.change)
    return folder


@pytest.mark.parametrize("fault", WEATHER_FAULTS, ids=lambda fault: fault.name)
def test_a_fault_of_the_weather_stops_the_run(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: WeatherFault
) -> None:
    folder = spoiled(few, tmp_path / "inputs", fault)
    code, text = spoken(capsys, "run", write_case(folder, tmp_path / "run"))
    message = one_message(text)
    assert code == 2
    for words in fault.says:
        assert words in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("fault", WEATHER_FAULTS, ids=lambda fault: fault.name)
def test_a_fault_of_the_weather_is_found_by_the_check(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: WeatherFault
) -> None:
    folder = spoiled(few, tmp_path / "inputs", fault)
    capsys.readouterr()
    code = main(["check", str(write_case(folder, tmp_path / "run"))])
    captured = capsys.readouterr()
    text = captured.err if code == 2 else captured.out
    assert code == fault.check_code, captured.out + captured.err
    for words in (f"{fault.variable}.0001-07", *fault.check_says):
        assert words in text
    assert "Traceback" not in captured.err
    assert not (tmp_path / "run").exists()


def test_a_leap_day_in_a_calendar_without_one_is_told(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = linked(few, tmp_path / "inputs")
    rewrite(weather(folder, "TBOT", "0001-02"), leap_day)
    case = write_case(folder, tmp_path / "run", case__start="0001-02-27", case__stop="0001-02-28")
    code, text = spoken(capsys, "run", case)
    assert code == 2
    message = one_message(text)
    for words in ("TBOT.0001-02.nc: time", "outside its month", "29 February"):
        assert words in message
    assert main(["check", str(case)]) == 1
    assert "29 February" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (other_ids, "different cells than the domain"),
        (falling_ids, "not in the order of the domain"),
        (moved, "LATIXY"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "check"])
def test_weather_of_other_cells_or_in_another_order_is_told(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, says: str, verb: str
) -> None:
    folder = linked(few, tmp_path / "inputs")
    for variable in ("TBOT", "FSDS", "PRECTmms"):
        rewrite(weather(folder, variable, FIRST), change)
    code, text = spoken(capsys, verb, write_case(folder, tmp_path / "run"))
    assert code == 2
    message = one_message(text)
    assert says in message
    assert f"{PREFIX}." in message


def test_a_fault_later_in_the_weather_leaves_a_run_that_can_be_resumed(
    few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sixth day is bad: the days before are kept, and the run goes on when the file is mended."""
    changes = {"case__stop": "0001-07-07", "restart__every": "1 day"}
    run(few, tmp_path / "whole", **changes)
    folder = linked(few, tmp_path / "inputs")

    def spoil(arrays: Arrays, attributes: dict[str, Table]) -> None:
        arrays["FLDS"][5 * 8 + 2, 0, 3] = np.nan

    rewrite(weather(folder, "FLDS"), spoil)
    case = write_case(folder, tmp_path / "run", **changes)
    code, text = spoken(capsys, "run", case)
    assert code == 2
    assert "FLDS: 0001-07-06" in one_message(text)
    assert leftovers(tmp_path / "run") == []
    weather(folder, "FLDS").unlink()
    weather(folder, "FLDS").symlink_to(weather(few, "FLDS"))
    assert main(["resume", str(case)]) == 0
    assert_same_results(tmp_path / "whole", tmp_path / "run", at_the_end(tmp_path / "whole"))
