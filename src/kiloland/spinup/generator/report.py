"""What a continued run shows, in lines of text."""

from __future__ import annotations

import numpy as np

from kiloland.spinup.generator.continuation import Continued

LIMIT = 1.0
"""gC m-2 yr-1: the bar for land at rest."""


def drift_lines(run: Continued) -> list[str]:
    """Drift of each year and of the last forcing cycle, weighted by area."""
    share = run.area / run.area.sum()
    lines = [f"{len(run.area)} cells", "year  mean drift  largest  land above 1 gC m-2 yr-1"]
    for year, drift in enumerate(run.drift, start=1):
        over = 100.0 * share[np.abs(drift) > LIMIT].sum()
        lines.append(f"{year:4d}  {(share * drift).sum():10.4f}  {np.abs(drift).max():7.3f}  {over:6.2f} %")
    last = run.last_cycle
    over = 100.0 * share[np.abs(last) > LIMIT].sum()
    lines.append(
        f"last cycle: mean {(share * last).sum():.4f}, largest {np.abs(last).max():.4f} gC m-2 yr-1, "
        f"{over:.2f} % of land above 1"
    )
    return lines
