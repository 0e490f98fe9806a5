"""Stream descriptions: what E3SM's data atmosphere reads, and the namelist that lists them."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from forcing_sources import NAMES

from kiloland.craft.forcing.descriptions import namelist, write_stream_descriptions
from kiloland.craft.forcing.output import VARIABLES, Month
from kiloland.grid import Domain

ALIASES = {
    "TBOT": "tbot",
    "QBOT": "shum",
    "PSRF": "pbot",
    "FLDS": "lwdn",
    "WIND": "wind",
    "FSDS": "swdn",
    "PRECTmms": "precn",
}
INTERPOLATION = {"FSDS": "coszen", "PRECTmms": "nearest"}


def pairs(root: ElementTree.Element, path: str) -> list[tuple[str, ...]]:
    return [tuple(line.split()) for line in str(root.findtext(path)).strip().splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_each_description_names_its_variable_files_and_domain(
    year_of_cells: tuple[Path, Domain], name: str
) -> None:
    folder = year_of_cells[0]
    root = ElementTree.parse(folder / "out" / f"user_datm.streams.txt.uELM_NA.{name}").getroot()
    assert [child.tag for child in root] == ["dataSource", "domainInfo", "fieldInfo"]
    assert pairs(root, "fieldInfo/variableNames") == [(name, ALIASES[name])]
    domain = [("time", "time"), ("xc", "lon"), ("yc", "lat"), ("area", "area"), ("mask", "mask")]
    assert pairs(root, "domainInfo/variableNames") == domain
    assert pairs(root, "fieldInfo/offset") == [("0",)]
    where = Path(str(root.findtext("fieldInfo/filePath")).strip())
    assert where.is_absolute()
    files = [line[0] for line in pairs(root, "fieldInfo/fileNames")]
    assert files == sorted(files)
    assert files == [f"clmforc.Daymet4.1km.1d.{name}.2004-{month:02d}.nc" for month in range(1, 13)]
    assert all((where / file).is_file() for file in files)
    place = Path(str(root.findtext("domainInfo/filePath")).strip())
    assert place.is_absolute()
    assert (place / str(root.findtext("domainInfo/fileNames")).strip()).samefile(folder / "domain.nc")


def test_names_that_need_escaping_and_relative_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a & b").mkdir()
    written = write_stream_descriptions(Path("a & b"), Path("a & b/domain<1>.nc"), [Month(1980, 1)])
    root = ElementTree.parse(written[0]).getroot()
    assert str(root.findtext("fieldInfo/filePath")).strip() == str(tmp_path / "a & b")
    assert str(root.findtext("domainInfo/fileNames")).strip() == "domain<1>.nc"


def test_the_namelist_lists_one_entry_a_stream() -> None:
    text = namelist([Month(year, month) for year in (1980, 1981) for month in range(1, 13)])
    body = "\n".join(line for line in text.splitlines() if not line.startswith("!"))
    groups = dict(re.findall(r"(?m)^ (\w+) = ((?:.+,\n)*.+)$", body))
    columns = {key: [part.strip() for part in value.split(",\n")] for key, value in groups.items()}
    assert {len(values) for values in columns.values()} == {len(VARIABLES)}
    for name, stream, interpolation in zip(VARIABLES, columns["streams"], columns["tintalgo"], strict=True):
        assert stream == f'"datm.streams.txt.uELM_NA.{name} 1980 1980 1981"'
        assert interpolation == f"'{INTERPOLATION.get(name, 'linear')}'"
    assert set(columns["taxmode"]) == {"'cycle'"}
    assert set(columns["dtlimit"]) == {"1.5"}
    assert set(columns["mapalgo"]) == {"'copy'"}
