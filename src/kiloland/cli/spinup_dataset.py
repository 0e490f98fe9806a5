"""``kiloland spinup dataset``: cells of short runs with what they become, for training."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.errors import ExitCode, InputError
from kiloland.run.progress import Progress

DESCRIPTION = """\
Make a data set for training from folders of runs, or split one into training, validation and test.

A folder holds surface.nc, parameters.nc, ad/ (restart and history of the short run) and final/ (restart in
equilibrium), or several such as member_00, member_01; `kiloland spinup generate` makes them. All arrays are
keyed by cell, plant type and layer; pools are in natural scale; the decomposition operator is in it.

--pickles reads batches of AI4BGC or LandSim instead; only arrays are unpickled.
--split KIND writes the split of a data set as JSON with its hash: random, blocks (of 15 degrees), biome,
coldest (fifth), forcing (the driest fifth), parameter (whole parameter files).
"""
EPILOG = """\
examples:
  kiloland spinup dataset world/ -o world.nc
  kiloland spinup dataset --split blocks --seed 1 world.nc -o blocks.json
  kiloland spinup dataset --pickles batch_01.pkl batch_02.pkl -o batches.nc
"""
KINDS = ("random", "blocks", "biome", "coldest", "forcing", "parameter")


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``spinup dataset``."""
    parser = kinds.add_parser(
        "dataset",
        help="cells of short runs with their equilibrium, for training; splits of them",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs", type=Path, nargs="+", metavar="DIR", help="folders of runs (or files, see above)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="what is written")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--pickles", action="store_true", help="the inputs are pickled batches")
    what.add_argument(
        "--split", choices=KINDS, metavar="KIND", help="split the data set: " + ", ".join(KINDS)
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the split (default 0)")
    parser.set_defaults(handler=dataset)


def dataset(options: argparse.Namespace) -> ExitCode:
    """Build, convert or split."""
    if options.split is not None:
        from kiloland.spinup.dataset.splits import SplitKind, write_dataset_split

        if len(options.inputs) != 1:
            raise InputError("--split takes one data set", found=f"{len(options.inputs)} files")
        split = write_dataset_split(options.inputs[0], SplitKind(options.split), options.seed, options.output)
        sizes = f"{split.train.size} training, {split.validation.size} validation, {split.test.size} test"
        print(f"{options.output}: {sizes} cells, hash {split.sha256[:12]}")
        return ExitCode.OK
    if options.pickles:
        from kiloland.spinup.dataset.pickles import convert_pickles

        cells = convert_pickles(options.inputs, options.output)
    else:
        from kiloland.spinup.dataset.build import build_dataset

        cells = build_dataset(options.inputs, options.output, Reporter())
    print(f"{options.output}: {cells} cells")
    return ExitCode.OK


class Reporter:
    """Shows how far a job is, with the time that is left."""

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def __call__(self, done: int, total: int, label: str) -> None:
        if self._progress is None:
            self._progress = Progress(total, show=True)
        self._progress.update(done, label)
        if done == total:
            self._progress.close()
