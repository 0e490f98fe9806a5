"""What the documentation shows works: code runs, commands parse, case files are read, keys are explained."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kiloland.cli.main import build_parser
from kiloland.errors import ExitCode
from kiloland.files import FileSchema, VariableSchema, write_dataset
from kiloland.report.variables_page import computed_fields, variables_page
from kiloland.run.case import Case, read_case
from kiloland.variables import history_variables, restart_variables

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = ("sh", "bash", "console", "shell")


def blocks(page: Path, *languages: str) -> list[str]:
    return [
        text for language, text in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages
    ]


def names(pages: list[Path]) -> list[str]:
    return [page.name for page in pages]


def commands(text: str) -> Iterator[list[str]]:
    """The kiloland and make commands of shell text, without prompts and comments."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*", "", line.strip().removeprefix("$ "))
        for part in re.split(r"\s*(?:;|\|\||&&|\|)\s+", line):
            try:
                words = shlex.split(part, comments=True)
            except ValueError:
                continue
            while words and words[0] in ("then", "do", "else"):
                words = words[1:]
            if words[:1] == ["mpiexec"] and "kiloland" in words:
                words = words[words.index("kiloland") :]
            if words and words[0].rpartition("/")[2] in ("kiloland", "make"):
                yield [words[0].rpartition("/")[2], *words[1:]]


def write_example(path: Path) -> None:
    """A history file of four cells and two records, under the names that the examples use."""
    cells = ("lndgrid",)
    schema = FileSchema(
        dimensions={"lndgrid": 4, "levgrnd": 15},
        unlimited=("time", 2),
        variables=(
            VariableSchema("time", "f8", ("time",), {"units": "days since 0001-01-01", "calendar": "noleap"}),
            VariableSchema("lon", "f8", cells, {"units": "degrees_east"}),
            VariableSchema("lat", "f8", cells, {"units": "degrees_north"}),
            VariableSchema("TSOI", "f4", ("time", "levgrnd", "lndgrid"), {"units": "K", "long_name": "soil"}),
        ),
    )
    soil = 270.0 + np.arange(2 * 15 * 4, dtype=np.float32).reshape(2, 15, 4)
    lon, lat = np.array([195.0, 195.1, 195.0, 195.1]), np.array([65.0, 65.0, 65.1, 65.1])
    write_dataset(path, schema, {"time": np.array([1.0, 2.0]), "lon": lon, "lat": lat, "TSOI": soil})


def test_every_page_is_found() -> None:
    assert {"README.md", "index.md", "install.md", "quickstart.md", "run.md", "exit_codes.md"} <= set(
        names(PAGES)
    )


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda page: page.stem)
def test_python_examples_run(page: Path, tmp_path: Path) -> None:
    code = "\n".join(blocks(page, "python"))
    ast.parse(code)
    for name in ("a.nc", "b.nc", "run.elm.h0.nc"):
        write_example(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_understood(page: Path) -> None:
    parser = build_parser()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for text in blocks(page, *SHELL):
        for command, *arguments in commands(text):
            if command == "make":
                asked = {word for word in arguments if "=" not in word}
                assert asked <= targets, f"{page.name}: make {' '.join(arguments)}"
                continue
            assert understood(parser, arguments), f"{page.name}: kiloland {' '.join(arguments)}"


def understood(parser: argparse.ArgumentParser, arguments: list[str]) -> bool:
    try:
        parser.parse_args(arguments)
    except SystemExit as stop:
        return stop.code == 0
    return True


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from parsers(child)


def test_examples_in_the_help_are_understood() -> None:
    parser = build_parser()
    found = 0
    for child in parsers(parser):
        text = re.sub(r"\\\n\s*", " ", f"{child.description or ''}\n{child.epilog or ''}")
        for line in re.findall(r"^ +((?:mpiexec .* )?kiloland .*)$", text, re.MULTILINE):
            # What stands behind several spaces explains the command.
            for _, *arguments in commands(re.split(r" {3,}", line)[0]):
                found += 1
                assert understood(parser, arguments), f"{child.prog} --help: kiloland {' '.join(arguments)}"
    assert found >= 15


def test_every_command_has_help_with_an_example() -> None:
    for child in parsers(build_parser()):
        subcommands = any(isinstance(action, argparse._SubParsersAction) for action in child._actions)
        if not subcommands:
            assert child.description, child.prog
            assert "kiloland" in (child.epilog or ""), f"{child.prog}: no example"


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "toml")], ids=lambda page: page.stem)
def test_case_files_are_read(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "toml"):
        if "[case]" in text:
            (tmp_path / "case.toml").write_text(text, encoding="utf-8")
            read_case(tmp_path / "case.toml")


def test_every_key_of_the_case_is_explained_with_its_default() -> None:
    text = (ROOT / "docs" / "run.md").read_text(encoding="utf-8")
    rows = {
        key: line
        for line in text.splitlines()
        if line.startswith("| `")
        for key in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    for table in dataclasses.fields(Case):
        kind = {"history": "HistoryTable", "coupler": "CouplerTable"}.get(table.name, str(table.type))
        for field in dataclasses.fields(getattr(sys.modules[Case.__module__], kind)):
            assert field.name in rows, f"docs/run.md does not explain {table.name}.{field.name}"
            if field.default is not dataclasses.MISSING and field.default is not None:
                value = getattr(field.default, "value", field.default)
                shown = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
                shown = list(value) if isinstance(value, tuple) else shown
                shown = f'"{shown}"' if isinstance(value, str) else str(shown)
                assert f"`{shown}`" in rows[field.name], f"docs/run.md: default of {table.name}.{field.name}"


def test_exit_codes_are_documented() -> None:
    text = (ROOT / "docs" / "exit_codes.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| (\d+) \| `(\w+)`", text, re.MULTILINE)) == {
        str(int(code)): code.name for code in ExitCode
    }


def test_the_page_of_variables_lists_the_whole_registry() -> None:
    page = variables_page()
    listed = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert len(listed) == len(restart_variables()) + len(history_variables())
    assert set(listed) == set(restart_variables()) | set(history_variables())
    assert len(restart_variables()) == 478
    assert computed_fields() <= set(history_variables())
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in page.splitlines() if row.startswith("| `")}
    assert widths == {8}, "a text breaks its row of the table"


def test_files_that_the_pages_link_to_exist() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert target == "variables.md" or (page.parent / target).exists(), f"{page.name}: {target}"
