"""The command: exit codes, text, JSON, page, comparison, and the table of the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from good_inputs import planted, stream_file

from kiloland.cli.main import main
from kiloland.craft.check import CHECKS, CheckRequest, check_inputs, table_text

ROOT = Path(__file__).resolve().parents[3]


def command(inputs: Path, *more: str) -> int:
    words = [
        "--domain",
        inputs / "domain.nc",
        "--surface",
        inputs / "surface.nc",
        "--forcing",
        inputs / "forcing",
    ]
    return main(["craft", "check", *map(str, words), *more])


def test_clean_inputs_end_with_zero(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(sound) == 0
    assert "no findings" in capsys.readouterr().out


def test_findings_end_with_one_and_name_everything(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted(inputs / "domain.nc", values={"area": lambda a: a * 4.0e7})
    planted(stream_file(inputs, "FSDS", 1), values={"FSDS": lambda v: v + 50.0})
    assert command(inputs, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["clean"]
    names = {one["check"] for one in found["findings"]}
    assert names >= {"domain-area", "forcing-night"}, "a fault of one file does not end the check of others"
    for one in found["findings"]:
        assert one["consequence"]
        assert one["file"]
        assert one["expected"]
    night = next(one for one in found["findings"] if one["check"] == "forcing-night")
    assert night["cells"] == 6
    assert night["gridcell_id"] == 1301 * 7814 + 1701
    assert night["time"].startswith("2001-01-01")


@pytest.mark.parametrize("how", ["absent", "truncated", "text", "nothing"])
def test_what_cannot_be_read_ends_with_two_and_one_message(
    inputs: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = stream_file(inputs, "TBOT", 3)
    content = path.read_bytes()
    path.write_bytes({"truncated": content[:-100], "text": b"hello"}.get(how, content))
    source = inputs / ("none" if how == "absent" else "forcing")
    words = [] if how == "nothing" else ["--forcing", str(source)]
    assert main(["craft", "check", *words, "--page", str(inputs / "page")]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("kiloland craft")]
    assert len(error) == 1
    assert not (inputs / "page").exists()


def test_the_page_holds_maps_and_findings(inputs: Path, tmp_path: Path) -> None:
    planted(stream_file(inputs, "FSDS", 1), values={"FSDS": lambda v: v + 50.0})
    assert command(inputs, "--page", str(tmp_path / "page")) == 1
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert [path.name for path in (tmp_path / "page").iterdir()] == ["index.html"]
    assert page.count("data:image/png") >= 15
    assert "forcing-night" in page
    assert "Rules of weather" in page


def test_forcing_is_compared_with_other_forcing(sound: Path, inputs: Path) -> None:
    def warmer(v):
        v = v.copy()
        v[:, 0, 4] += 2.0
        return v

    for month in range(1, 13):
        planted(stream_file(inputs, "TBOT", month), values={"TBOT": warmer})
    request = CheckRequest(inputs / "domain.nc", forcing=inputs / "forcing", against=sound / "forcing")
    report = check_inputs(request)
    assert report.comparison is not None
    assert report.cells is not None
    facts = report.comparison.as_json(report.cells)
    temperature = facts["variables"]["TBOT"]
    assert temperature["largest"] == pytest.approx(2.0, abs=1e-5)
    assert temperature["worst_cells"][0]["gridcell_id"] == 1302 * 7814 + 1702
    assert temperature["root_mean_square"] == pytest.approx(2.0 / 6**0.5, abs=1e-5)
    assert facts["variables"]["WIND"]["largest"] == 0.0
    assert len(facts["months"]) == 12


def test_products_of_other_cells_are_compared_where_ids_overlap(sound: Path, tmp_path: Path) -> None:
    part, kept = tmp_path / "part.nc", tmp_path / "forcing"
    ids = tmp_path / "ids.csv"
    ids.write_text("\n".join(str(1301 * 7814 + 1701 + i) for i in range(2)), encoding="utf-8")
    assert main(["craft", "subset", str(sound / "domain.nc"), "--ids", str(ids), "-o", str(part)]) == 0
    kept.mkdir()
    for path in (sound / "forcing").glob("*.WIND.*.nc"):
        assert main(["craft", "subset", str(path), "--domain", str(part), "-o", str(kept / path.name)]) == 0
    report = check_inputs(CheckRequest(sound / "domain.nc", forcing=sound / "forcing", against=kept))
    assert report.comparison is not None
    assert report.comparison.cells == 2
    assert [one.name for one in report.comparison.differences] == ["WIND"]


def test_surface_and_domain_are_compared(sound: Path, inputs: Path) -> None:
    planted(inputs / "surface.nc", values={"FMAX": lambda v: v + 0.1})
    request = CheckRequest(sound / "domain.nc", sound / "surface.nc", against=inputs / "surface.nc")
    report = check_inputs(request)
    assert report.comparison is not None
    assert report.cells is not None
    facts = report.comparison.as_json(report.cells)["variables"]
    assert facts["FMAX"]["mean_difference"] == pytest.approx(-0.1)
    assert facts["SLOPE"]["largest"] == 0.0
    both = check_inputs(CheckRequest(sound / "domain.nc", against=inputs / "domain.nc")).comparison
    assert both is not None
    assert [one.name for one in both.differences][:1] == ["area"]


def test_the_documentation_lists_every_check() -> None:
    page = (ROOT / "docs" / "craft_check.md").read_text(encoding="utf-8")
    assert table_text() in page, "write the table again: kiloland.craft.check.table_text()"
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_a_surface_is_compared_though_forcing_is_checked_too(sound: Path, inputs: Path) -> None:
    request = CheckRequest(
        sound / "domain.nc", sound / "surface.nc", sound / "forcing", against=inputs / "surface.nc"
    )
    comparison = check_inputs(request).comparison
    assert comparison is not None
    assert "FMAX" in [one.name for one in comparison.differences]
