"""Rounded and packed files: the error that they state is the error that they have, and they read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from forcing_sources import NAMES
from hypothesis import given
from hypothesis import strategies as st

from kiloland.atmosphere import (
    ModelTimes,
    Places,
    StreamSource,
    TimeCycle,
    check_forcing_file,
    orbital_parameters,
    seconds_of_date,
)
from kiloland.atmosphere.streams import daymet_streams
from kiloland.cli.main import main
from kiloland.craft.forcing import Encoding, ForcingRequest, craft_forcing
from kiloland.craft.forcing.encoding import STREAM_PACKING, RoundingErrors, round_bits
from kiloland.errors import ExitCode, InputError
from kiloland.grid import Domain

POSITIVE = st.floats(2.0**-60, 2.0**60, width=32)


@given(POSITIVE, st.integers(1, 23))
def test_rounding_keeps_the_bits_asked_for_and_goes_to_the_nearest(value: float, bits: int) -> None:
    before = np.array([value, -value], np.float32)
    after = round_bits(before, bits)
    assert (np.abs(after.astype(float) - before) <= 2.0 ** -(bits + 1) * np.abs(before)).all()
    assert not (after.view(np.uint32) & np.uint32((1 << (23 - bits)) - 1)).any()
    assert after[0] == -after[1]
    np.testing.assert_array_equal(round_bits(after, bits), after)


@pytest.mark.parametrize("words", [["--pack", "16"], ["--significant-bits", "9"]])
def test_the_stated_error_holds_and_the_model_reads_the_files(
    year_of_cells: tuple[Path, Domain], tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, domain = year_of_cells
    command = ["craft", "forcing", "--source", str(folder / "out"), "--domain", str(folder / "domain.nc")]
    assert main([*command, "--years", "2004", "-o", str(tmp_path / "out"), *words]) == ExitCode.OK
    said = capsys.readouterr().out
    for name in NAMES:
        file = f"clmforc.Daymet4.1km.1d.{name}.2004-02.nc"
        with (
            netCDF4.Dataset(folder / "out" / file) as exact,
            netCDF4.Dataset(tmp_path / "out" / file) as lossy,
        ):
            before, after = (np.asarray(part[name][:], np.float64) for part in (exact, lossy))
            attributes = lossy[name].__dict__
        away = np.abs(after - before)
        assert f"{name}: rounding at most" in said
        if "--pack" in words:
            # A reader may compute in single precision.
            limit = attributes["largest_absolute_error"] + 2.0**-23 * np.abs(before)
        else:
            limit = attributes["largest_relative_error"] * np.abs(before)
        assert (away <= limit).all()
        assert away.max() > 0.0
        assert [
            found for found in check_forcing_file(tmp_path / "out" / file) if found.severity.name == "ERROR"
        ] == []
    places = Places(domain.longitude, domain.latitude, domain.gridcell_id)
    times = ModelTimes(seconds_of_date(10110), 3600, 24)
    found = []
    for path in (folder / "out", tmp_path / "out"):
        streams = daymet_streams(path, TimeCycle(2004, 2004, 1))
        source = StreamSource.open(streams, places, orbital_parameters(1990))
        found.append(source.load(times, np.arange(domain.number_of_cells)))
    np.testing.assert_allclose(found[1].temperature, found[0].temperature, rtol=1e-3)


def test_a_value_beyond_the_packing_is_refused() -> None:
    values = np.array([[300.0, 400.0]], np.float32)
    with pytest.raises(InputError, match=r"TBOT.*16 bits.*400"):
        Encoding(packed=True).encode("TBOT", values, RoundingErrors())


def test_every_variable_has_a_packing_that_keeps_zero_rain_and_night() -> None:
    assert set(STREAM_PACKING) == set(NAMES)
    errors = RoundingErrors()
    for name in ("FSDS", "PRECTmms"):
        assert Encoding(packed=True).encode(name, np.zeros((1, 1), np.float32), errors)[0, 0] == 0
        assert errors.absolute[name] == 0.0


def test_files_stored_otherwise_are_not_reused(set_of_cells: tuple[Path, Domain], tmp_path: Path) -> None:
    folder, _ = set_of_cells
    request = ForcingRequest(folder / "out", folder / "domain.nc", 2004, 2004, tmp_path / "x", last_month=1)
    craft_forcing(replace(request, encoding=Encoding(significant_bits=12)))
    with pytest.raises(InputError, match="other settings"):
        craft_forcing(request)


@pytest.mark.parametrize("bits", [0, 24])
def test_bits_that_cannot_be(bits: int) -> None:
    with pytest.raises(InputError, match="significant bits"):
        Encoding(significant_bits=bits)
