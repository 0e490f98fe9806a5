"""The label that every file of a made-up data set carries."""

from __future__ import annotations

from kiloland import __version__

COMMENT = "Synthetic: made up by kiloland to show and test the software. Not observed, not modelled."


def synthetic_attributes(what: str, detail: str = "") -> dict[str, str]:
    """Global attributes of a synthetic file; ``what`` it holds, and how it was made where that helps."""
    comment = f"{COMMENT} {detail[:1].upper()}{detail[1:]}." if detail else COMMENT
    return {
        "title": f"Synthetic {what}",
        "comment": comment,
        "Conventions": "CF-1.11",
        "source": f"kiloland {__version__}",
    }
