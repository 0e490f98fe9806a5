"""A page of pictures and facts: one HTML file that needs nothing else, on any machine, without a network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from kiloland import __version__
from kiloland.errors import InputError
from kiloland.files import write_text

STYLE = """\
:root { color-scheme: light dark; --text: #1c1c1c; --soft: #5c5c5c; --line: #d8d8d8; --back: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8e8e8; --soft: #a8a8a8; --line: #444444; --back: #1b1b1b; }
}
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 0.5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; border-bottom: 1px solid var(--line); }
p.introduction { max-width: 45rem; }
table { border-collapse: collapse; font-size: 0.92rem; }
th, td { text-align: left; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; }
td { font-variant-numeric: tabular-nums; }
figure { margin: 1.2rem 0 2rem; }
figure img { max-width: 100%; height: auto; background: #ffffff; border: 1px solid var(--line); }
figcaption, footer { color: var(--soft); font-size: 0.92rem; }
div.wide { overflow-x: auto; }
"""


@dataclass(frozen=True)
class Table:
    """A table of the page: title, headings and rows of text or numbers."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[object]]


def write_page(
    path: Path,
    title: str,
    introduction: str,
    facts: Mapping[str, object],
    pictures: Sequence[tuple[Path, str]],
    tables: Sequence[Table] = (),
) -> Path:
    """Write the page with all pictures inside it; returns its path.

    ``pictures``: (PNG file, caption). Raises ``InputError`` where a picture is missing or no PNG, and
    ``OutputError`` where the page cannot be written.
    """
    write_text(path, page_text(title, introduction, facts, pictures, tables))
    return path


def page_text(
    title: str,
    introduction: str,
    facts: Mapping[str, object],
    pictures: Sequence[tuple[Path, str]],
    tables: Sequence[Table] = (),
) -> str:
    """The HTML of the page; everything that is text is escaped."""
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        '<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{STYLE}</style></head>",
        "<body>",
        f"<h1>{escape(title)}</h1>",
        *(
            f'<p class="introduction">{escape(text)}</p>'
            for text in introduction.split("\n\n")
            if text.strip()
        ),
        *facts_table(facts),
        *(line for table in tables for line in table_lines(table)),
        *(["<h2>Pictures</h2>"] if pictures else []),
        *(figure(picture, caption) for picture, caption in pictures),
        f"<footer>Written by kiloland {escape(__version__)}.</footer>",
        "</body></html>",
        "",
    ]
    return "\n".join(parts)


def facts_table(facts: Mapping[str, object]) -> list[str]:
    if not facts:
        return []
    rows = [
        f'<tr><th scope="row">{cell(name)}</th><td>{cell(value)}</td></tr>' for name, value in facts.items()
    ]
    return ["<h2>Facts</h2>", '<div class="wide"><table>', *rows, "</table></div>"]


def table_lines(table: Table) -> list[str]:
    """One table with its title. Raises ``ValueError`` where a row does not fit the headings."""
    head = "".join(f'<th scope="col">{cell(heading)}</th>' for heading in table.headings)
    rows = []
    for row in table.rows:
        if len(row) != len(table.headings):
            raise ValueError(f"table {table.title!r}: {len(row)} values under {len(table.headings)} headings")
        rows.append("<tr>" + "".join(f"<td>{cell(value)}</td>" for value in row) + "</tr>")
    return [
        f"<h2>{escape(table.title)}</h2>",
        f'<div class="wide"><table><tr>{head}</tr>',
        *rows,
        "</table></div>",
    ]


def cell(value: object) -> str:
    """A value as text: floats with six significant digits."""
    return escape(f"{value:.6g}" if isinstance(value, float) else str(value))


def figure(picture: Path, caption: str) -> str:
    """One picture, embedded."""
    try:
        content = picture.read_bytes()
    except OSError as error:
        raise InputError("the picture cannot be read", file=picture, found=error.strerror) from None
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise InputError("is not a PNG picture", file=picture, found=repr(content[:8]))
    data = base64.b64encode(content).decode("ascii")
    return (
        f'<figure><img alt="{escape(caption, quote=True)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
