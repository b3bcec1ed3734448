"""`python -m export --list | all | <task>`: the command line of the export."""

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from export import run
from export.errors import ExportError
from export.recipe import Recipe, discover

REPOSITORY = Path(__file__).resolve().parents[1] / "model_repository"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status (0 done, 1 nothing published, 2 wrong usage, 130
    interrupted)."""
    recipes = discover()
    parser = _parser(recipes)
    arguments = parser.parse_args(argv)
    # SIGTERM then unwinds like Ctrl-C, and takes the half-made files along.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments.list:
            _print_table(recipes)
        elif arguments.command is None:
            parser.error("name a task, `all` or --list")
        elif arguments.command == "all":
            for recipe in recipes.values():
                run.export(recipe, _defaults(recipe, arguments), _say)
        else:
            run.export(recipes[arguments.command], arguments, _say)
    except ExportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.strerror}: {error.filename}; nothing was published.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing half-made is left", file=sys.stderr)
        return 130
    return 0


def _parser(recipes: Mapping[str, Recipe]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export", description="Fetch weights, export them to ONNX, check and publish them."
    )
    parser.add_argument("--list", action="store_true", help="show every network, its weights and its licence")
    commands = parser.add_subparsers(dest="command", metavar="TASK")
    _add_common(commands.add_parser("all", help="whatever is missing of every task"))
    for recipe in recipes.values():
        command = commands.add_parser(recipe.task, help=recipe.summary, description=recipe.summary)
        _add_common(command)
        recipe.arguments(command)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="export again what is already there")
    parser.add_argument("--repository", type=Path, default=REPOSITORY, metavar="DIR", help="default: %(default)s")


def _defaults(recipe: Recipe, common: argparse.Namespace | None = None) -> argparse.Namespace:
    # Through a parser of its own, so that `all` and --list see exactly the defaults that the recipe declared.
    parser = argparse.ArgumentParser()
    _add_common(parser)
    recipe.arguments(parser)
    arguments = parser.parse_args([])
    if common is not None:
        arguments.force, arguments.repository = common.force, common.repository
    return arguments


def _print_table(recipes: Mapping[str, Recipe]) -> None:
    rows = [("TASK", "NETWORK", "ARCHITECTURE", "WEIGHTS", "EXPORTED", "LICENCE")]
    for recipe in recipes.values():
        plan = recipe.plan(_defaults(recipe))
        version = run.published(REPOSITORY / recipe.task, plan)
        exported = "no" if version is None else f"version {version.name}"
        rows += [
            (recipe.task, n.name, n.weights.architecture, n.weights.label, exported, n.weights.licence)
            for n in plan.networks
        ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
