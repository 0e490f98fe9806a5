"""The documentation page of all variables, made from the registry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kiloland.variables import HistoryVariable, history_variables, restart_variables

INTRODUCTION = """\
# Variables

This page is made from the registry (`kiloland.variables`), from which allocation, restart files, history
attributes and error scales come too.

Errors are judged as |a - b| <= rel * max(|b|, scale), with the scale of this page.

"""


def variables_page() -> str:
    """The page as Markdown: history fields, then the variables of the restart file."""
    return INTRODUCTION + "\n".join([*_history(), "", *_restart(), ""])


def computed_fields() -> frozenset[str]:
    """The history fields that this version computes."""
    # The land model starts JAX; everything else that reads the registry does without.
    from kiloland.land.fields import FIELDS

    return frozenset(FIELDS)


def _history() -> list[str]:
    computed = computed_fields()
    variables = sorted(history_variables().items(), key=lambda item: item[0].lower())
    now = [_history_row(name, variable) for name, variable in variables if name in computed]
    later = [_history_row(name, variable) for name, variable in variables if name not in computed]
    headings = ("name", "level", "layers", "units", "meaning", "averaging", "scale")
    return [
        "## History fields",
        "",
        f"The {len(now)} fields that this version computes and that a case can ask for.",
        "",
        *_table(headings, now),
        "",
        "## History fields to come",
        "",
        f"{len(later)} more fields of ELM are known but not computed by this version. A case that asks for "
        "one of them is refused.",
        "",
        *_table(headings, later),
    ]


def _history_row(name: str, variable: HistoryVariable) -> tuple[str, ...]:
    return (
        f"`{name}`",
        variable.level or "file",
        " ".join(variable.dims),
        variable.units,
        variable.long_name,
        variable.averaging,
        f"{variable.scale:g}",
    )


def _restart() -> list[str]:
    rows = [
        (
            f"`{name}`",
            "char" if variable.dtype.kind == "S" else variable.dtype.name,
            " ".join(variable.dims),
            variable.units,
            variable.long_name,
            f"{variable.scale:g}",
            "yes" if variable.state else "",
        )
        for name, variable in restart_variables().items()
    ]
    return [
        "## Restart variables",
        "",
        f"The {len(rows)} variables of ELM's restart file, in its order. The state advances "
        f"{sum(bool(row[-1]) for row in rows)} of them; the others are carried unchanged.",
        "",
        *_table(("name", "type", "dimensions", "units", "meaning", "scale", "in state"), rows),
    ]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        _row(headings),
        _row(["---"] * len(headings)),
        *(_row([_escaped(value) for value in row]) for row in rows),
    ]


def _row(values: Sequence[str]) -> str:
    return "| " + " | ".join(values) + " |"


def _escaped(text: str) -> str:
    """Text that breaks neither the table nor the page."""
    if text.startswith("`"):
        return text
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
