"""`python -m export --list | all | <task> | diff | new`: the command line of the export."""

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from export import run, tunables
from export.errors import ExportError
from export.recipe import Recipe, discover
from export.release import Request

REPOSITORY = Path(__file__).resolve().parents[1] / "model_repository"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status (0 done, 1 nothing published, 2 wrong usage, 130
    interrupted)."""
    recipes = discover(_warn)
    parser = _parser(recipes)
    arguments = parser.parse_args(argv)
    # SIGTERM then unwinds like Ctrl-C, and takes the half-made files along.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments.list:
            _print_table(recipes)
        elif arguments.command is None:
            parser.error("name a task, `all`, `diff`, `new` or --list")
        elif arguments.command == "all":
            for recipe in recipes.values():
                run.export(recipe, _defaults(recipe, arguments), _say)
        elif arguments.command == "diff":
            _diff(recipes, arguments)
        elif arguments.command == "new":
            _new(arguments)
        else:
            run.export(recipes[arguments.command], arguments, _say, _request(arguments))
    except ExportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        # A full disk shows in write(), which knows no file.
        where = error.filename or getattr(arguments, "repository", "the result")
        print(f"error: {error.strerror or error}: {where}; nothing was published.", file=sys.stderr)
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
        _add_release(command)
        recipe.arguments(command)
    diff = commands.add_parser("diff", help="compare two versions of a task")
    diff.add_argument("task", choices=sorted(recipes), metavar="TASK")
    diff.add_argument("versions", type=int, nargs=2, metavar="VERSION")
    diff.add_argument("--out", type=Path, default=Path("out/diff"), metavar="DIR", help="default: %(default)s")
    _add_repository(diff)
    new = commands.add_parser("new", help="write the files of a new task, ready to run and to change")
    new.add_argument("task", metavar="TASK", help="lower-case letters, digits and _")
    new.add_argument("--into", type=Path, metavar="DIR", help="one model folder in DIR, with the pipeline in model.py")
    new.add_argument("--network", action="store_true", help="also a recipe that exports a small network")
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="export again what is already there")
    _add_repository(parser)


def _add_repository(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repository", type=Path, default=REPOSITORY, metavar="DIR", help="default: %(default)s")


def _add_release(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("publishing")
    group.add_argument("--publish", action="store_true", help="make the next version, if it passes the gate")
    group.add_argument("--note", default="", metavar="TEXT", help="kept in the version's publication.json")
    group.add_argument(
        "--from-version", type=int, metavar="N", help="take model.py and pipeline.json from this one; default: newest"
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="change a tunable of pipeline.json, such as engine.max_batch=16; may be repeated",
    )
    group.add_argument(
        "--allow-worse", metavar="REASON", help="publish also what is worse than the newest version; kept as well"
    )


def _request(arguments: argparse.Namespace) -> Request:
    from export import gate

    if not arguments.publish and (arguments.from_version is not None or arguments.set):
        raise ExportError("--from-version and --set make a new version: say --publish too.")
    if arguments.allow_worse is not None and not arguments.allow_worse.strip():
        raise ExportError("--allow-worse needs a reason.")
    return Request(
        always=arguments.publish,
        from_version=arguments.from_version,
        changes=tuple(map(tunables.parse, arguments.set)),
        note=arguments.note,
        allow_worse=arguments.allow_worse,
        gate=gate.check,
    )


def _diff(recipes: Mapping[str, Recipe], arguments: argparse.Namespace) -> None:
    from export.diff import diff

    first, second = arguments.versions
    diff(recipes[arguments.task], arguments.repository, first, second, arguments.out, _say)


def _new(arguments: argparse.Namespace) -> None:
    from export.new import write

    for path in write(arguments.task, arguments.into, network=arguments.network):
        _say(str(path))


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


def _warn(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
