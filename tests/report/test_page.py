"""The page stands alone: one file, valid, with everything inside."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from picture_samples import history

from kiloland.errors import InputError
from kiloland.report import Table, write_page
from kiloland.report.maps import map_file

VOID = {"meta", "img"}


class Checker(HTMLParser):
    """Collects what the tests ask for, and whether tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_holds_facts_tables_and_pictures(tmp_path: Path) -> None:
    picture = map_file(history(tmp_path / "t.nc"), "FLUX", tmp_path / "flux.png")
    table = Table("Timers", ["timer", "seconds"], [["step", 1.25], ["<init>", 3]])
    page = write_page(
        tmp_path / "index.html",
        "Quickstart & more",
        "First paragraph.\n\nSecond <paragraph>.",
        {"cells": 239, "largest error (W m-2)": 1.234567e-9},
        [(picture, 'Heat "flux" & ground')],
        [table],
    )
    text = page.read_text()
    checker = Checker()
    checker.feed(text)
    assert checker.open == []
    for words in (
        "Quickstart & more",
        "Second <paragraph>.",
        "239",
        "1.23457e-09",
        "<init>",
        'Heat "flux" & ground',
    ):
        assert words in checker.texts
    (source,) = checker.sources
    assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == picture.read_bytes()
    assert not re.search(r"https?://", text)


def test_a_page_with_a_missing_picture_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for name in ("absent.png", "text.png"):
        with pytest.raises(InputError, match=name):
            write_page(tmp_path / "page.html", "t", "", {}, [(tmp_path / name, "")])
    assert not (tmp_path / "page.html").exists()


def test_a_row_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 values under 1 headings"):
        write_page(tmp_path / "p.html", "t", "", {}, [], [Table("x", ["a"], [[1, 2]])])
