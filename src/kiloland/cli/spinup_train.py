"""``kiloland spinup train``: fit the network to a data set."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiloland.cli.spinup_dataset import Reporter
from kiloland.errors import ExitCode

DESCRIPTION = """\
Train the network that predicts the closures of the equilibrium (productivity, allocation, scalars, input of
litter) which the solver turns into pools, or, with --architecture direct, all pools in one shot.

The training uses the split's training cells, keeps the weights with the least loss on its validation cells
and never looks at its test cells. The same data, split, seed and options give the same bits. After each epoch
WEIGHTS.checkpoint is renewed; the same command goes on from it after an interruption.

--from WEIGHTS goes on from other weights with their scalers (fine-tuning), with --share 0.05 on a twentieth
of the cells.
"""
EPILOG = """\
examples:
  kiloland spinup train world.nc --split random.json --seed 1 -o first.weights
  kiloland spinup train half_degree.nc --split half.json --from first.weights --share 0.05 -o tuned.weights
"""


def register(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``spinup train``."""
    parser = kinds.add_parser(
        "train",
        help="train the network",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="of kiloland spinup dataset")
    parser.add_argument("--split", type=Path, required=True, metavar="SPLIT.json", help="which cells train")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed (default 0)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="WEIGHTS", help="the weights")
    parser.add_argument("--architecture", choices=("closure", "direct"), default="closure")
    parser.add_argument("--from", dest="start", type=Path, metavar="WEIGHTS", help="weights to go on from")
    parser.add_argument(
        "--share", type=float, default=1.0, metavar="F", help="share of the cells (default 1)"
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs (default 40, fine-tuning 20)")
    parser.add_argument("--width", type=int, metavar="N", help="width of the network (default 48)")
    parser.add_argument("--batch", type=int, metavar="N", help="cells of a step (default 64)")
    parser.set_defaults(handler=train)


def train(options: argparse.Namespace) -> ExitCode:
    """Train with progress on standard error."""
    from kiloland.run.compilation import set_up_jax
    from kiloland.spinup.learn.job import TrainingRequest, run_training
    from kiloland.spinup.learn.model import Architecture

    set_up_jax()
    request = TrainingRequest(
        options.dataset,
        options.split,
        options.output,
        options.seed,
        Architecture(options.architecture),
        options.start,
        options.share,
        options.epochs,
        options.width,
        options.batch,
    )
    model = run_training(request, Reporter())
    size = options.output.stat().st_size
    print(f"{options.output}: {model.architecture.value}, seed {options.seed}, {size} bytes")
    return ExitCode.OK
