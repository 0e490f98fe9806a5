"""``kiloland craft join``: the parts of a file give the file again; what does not fit is refused."""

from __future__ import annotations

import numpy as np
import pytest

from kiloland.cli.main import main
from kiloland.craft.domain import IdFile
from kiloland.craft.join import JoinRequest, join
from kiloland.craft.subset import Period, SubsetRequest, subset
from kiloland.craft.synthetic import make_synthetic_case
from kiloland.errors import InputError
from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.grid import DaymetGrid, build_domain, build_rectangle, read_domain, write_domain
from kiloland.verify import compare_files, to_table

WEATHER = "weather/clmforc.synthetic.1km.1d.TBOT.0001-02.nc"
PARTS = {"halves": [range(0, 6), range(6, 12)], "mixed": [(11, 0, 4), (2, 3, 10, 9), (1, 5, 6, 7, 8)]}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Domain, surface and forcing of twelve cells."""
    folder = tmp_path_factory.mktemp("case")
    make_synthetic_case(folder, cells=12, days=1)
    return folder


def cut(case, name, places, output, period=None):
    """Some cells of a file."""
    listed = output.with_suffix(".csv")
    listed.write_text("".join(f"{read_domain(case / 'domain.nc').gridcell_id[place]}\n" for place in places))
    subset(SubsetRequest(case / name, IdFile(listed), output, period, case / "domain.nc"))
    return output


@pytest.mark.parametrize("name", ["domain.nc", "surfdata.nc", WEATHER])
@pytest.mark.parametrize("parts", PARTS)
def test_the_join_of_subsets_is_the_file(case, tmp_path, name, parts):
    files = [cut(case, name, places, tmp_path / f"{part}.nc") for part, places in enumerate(PARTS[parts])]
    domains = [
        cut(case, "domain.nc", places, tmp_path / f"d{part}.nc") for part, places in enumerate(PARTS[parts])
    ]
    output = tmp_path / "joined.nc"
    arguments = ["craft", "join", *map(str, reversed(files)), "-o", str(output)]
    if name == "surfdata.nc":
        arguments += ["--source-domains", *map(str, reversed(domains))]
    assert main(arguments) == 0
    found = compare_files(case / name, output)
    assert found.identical, to_table(found)


def test_domains_of_several_areas_become_one(tmp_path):
    grid = DaymetGrid()
    ids = np.array([10_450_000, 10_460_000, 12_000_000, 9_500_000])
    write_domain(tmp_path / "list.nc", build_domain(grid, ids))
    write_domain(
        tmp_path / "map.nc", build_rectangle(grid, np.array([10_450_001, 10_450_002 + grid.columns]))
    )
    join(JoinRequest([tmp_path / "map.nc", tmp_path / "list.nc"], tmp_path / "o.nc"))
    joined = read_domain(tmp_path / "o.nc")
    expected = np.sort(np.concatenate([ids, read_domain(tmp_path / "map.nc").gridcell_id]))
    assert joined.gridcell_id.tolist() == expected.tolist()
    np.testing.assert_array_equal(joined.longitude, build_domain(grid, expected).longitude)


def test_cells_in_two_files_are_named(case, tmp_path, capsys):
    first = cut(case, "domain.nc", [0, 1, 2], tmp_path / "a.nc")
    second = cut(case, "domain.nc", [2, 3, 1], tmp_path / "b.nc")
    assert main(["craft", "join", str(first), str(second), "-o", str(tmp_path / "o.nc")]) == 2
    ids = read_domain(case / "domain.nc").gridcell_id
    message = capsys.readouterr().err
    assert f"2 ids in both: {ids[1]}, {ids[2]}" in message
    assert "a.nc" in message
    assert "b.nc" in message
    assert not (tmp_path / "o.nc").exists()


def test_forcing_of_other_times_is_refused(case, tmp_path):
    first = cut(case, WEATHER, [0, 1], tmp_path / "a.nc", Period.from_text("0001-02-01:0001-02-02"))
    second = cut(case, WEATHER, [2, 3], tmp_path / "b.nc", Period.from_text("0001-02-03:0001-02-04"))
    with pytest.raises(InputError, match=r"b\.nc: time: other values than in"):
        join(JoinRequest([first, second], tmp_path / "o.nc"))


def made(path, ids, name="T", kind="f8", levels=2, units="K", grid="daymet"):
    schema = FileSchema(
        {"ni": len(ids), "lev": levels},
        None,
        (
            VariableSchema("gridID", "i4", ("ni",)),
            VariableSchema(name, kind, ("lev", "ni"), {"units": units}),
        ),
        {"grid": grid},
    )
    write_dataset(path, schema, {"gridID": np.array(ids, "i4"), name: np.zeros((levels, len(ids)), kind)})
    return path


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"name": "Q"}, "variable is missing in one file"),
        ({"kind": "f4"}, "other type"),
        ({"levels": 3}, "other lengths"),
        ({"units": "degC"}, "other attribute units"),
        ({"grid": "regular:0,360,720,-90,90,360"}, "ids of another grid"),
        ({"ids": [7, 7]}, "same gridcell id twice"),
    ],
)
def test_files_that_do_not_fit_together(tmp_path, other, message):
    first = made(tmp_path / "a.nc", [1, 2])
    second = made(tmp_path / "b.nc", **{"ids": [3], **other})
    with pytest.raises(InputError, match=message):
        join(JoinRequest([first, second], tmp_path / "o.nc"))
    assert not (tmp_path / "o.nc").exists()


def test_files_without_ids_need_their_domains(case, tmp_path):
    parts = [cut(case, "surfdata.nc", places, tmp_path / f"{places[0]}.nc") for places in ([0, 1], [2, 3])]
    with pytest.raises(InputError, match="--source-domain"):
        join(JoinRequest(parts, tmp_path / "o.nc"))
    with pytest.raises(InputError, match="do not pair"):
        join(JoinRequest(parts, tmp_path / "o.nc", [case / "domain.nc"]))
    with pytest.raises(InputError, match="nothing to join"):
        join(JoinRequest(parts[:1], tmp_path / "o.nc"))


def test_what_all_files_say_alike_is_kept(case, tmp_path):
    parts = [cut(case, "domain.nc", places, tmp_path / f"{places[0]}.nc") for places in ([0, 1], [2, 3])]
    join(JoinRequest(parts, tmp_path / "o.nc"))
    with open_dataset(case / "domain.nc") as source, open_dataset(tmp_path / "o.nc") as joined:
        assert joined.attributes["grid"] == source.attributes["grid"]
        assert joined.attributes["joined_from"] == "0.nc, 2.nc"
