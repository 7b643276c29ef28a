"""The command line: commands, options, exit statuses and error lines.

What is heavy is imported by the command that needs it, so that ``--help`` and
``report`` load no Textual, and ``-f`` and ``--demo`` no docker-py.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NoReturn

import click

from layerscope import __version__
from layerscope.commands.program import (
    FAILED,
    INTERRUPTED,
    Choices,
    Program,
    SourceCommand,
    complete_images,
    keep_standard_descriptors,
)

if TYPE_CHECKING:
    from layerscope.commands.report import Form


@click.group(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 done, 1 the answer is no, 2 wrong use, 3 no engine, or the engine or the output failed.",
)
@click.option("--read-only", is_flag=True, help="The interface removes nothing, whatever is pressed.")
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, read_only: bool) -> int | None:
    """What Docker images really cost on disk.

    Without a command: the interface, on the engine that docker itself would use.
    Where standard output is no terminal: the report. With the name of an IMAGE in place
    of a command: the interface on that image (-- before a name that is a command's).
    """
    choices = ctx.ensure_object(Choices)
    choices.read_only = read_only
    return None if ctx.invoked_subcommand is not None else _interface(choices)


@click.command(cls=SourceCommand, hidden=True)
@click.argument("words", nargs=-1)
@click.pass_context
def _open(ctx: click.Context, words: tuple[str, ...]) -> int | None:
    from layerscope.commands import opening  # noqa: PLC0415

    choices = ctx.ensure_object(Choices)
    word, *more = words
    meant = bool(ctx.parent and ctx.parent.meta["layerscope.image"])
    opening.check(choices.source, word, [] if meant else cli.list_commands(ctx))
    if more:
        raise click.UsageError(f"the interface opens on one image: what is {more[0]!r}?")
    return _interface(choices, word)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema layerscope.report/1; sizes in bytes.")
@click.option("--csv", "as_csv", is_flag=True, help="The images as CSV; sizes in bytes.")
@click.option("--markdown", "as_markdown", is_flag=True, help="As Markdown, for the summary of a job.")
@click.option("--prometheus", "as_metrics", is_flag=True, help="Totals for node_exporter's textfile collector.")
@click.option("--no-total", is_flag=True, help="Do without the engine's own total, which may take it long.")
@click.pass_obj
def report(choices: Choices, as_json: bool, as_csv: bool, as_markdown: bool, as_metrics: bool, no_total: bool) -> None:
    """Print totals, images, and the layers that save most."""
    forms: dict[Form, bool] = {"json": as_json, "csv": as_csv, "markdown": as_markdown, "prometheus": as_metrics}
    given = [form for form, wanted in forms.items() if wanted]
    if len(given) > 1:
        raise click.UsageError(f"--{given[0]} and --{given[1]} are two reports; give one of them")
    _report(choices, given[0] if given else "text", total=not no_total)


@cli.command()
@click.argument("target", default="-", metavar="[FILE]", type=click.Path(allow_dash=True))
@click.pass_obj
def export(choices: Choices, target: str) -> None:
    """Save a scan in FILE, to be looked at with -f anywhere.

    Without FILE, or with -, it goes to standard output. A name that ends in .gz is compressed.
    """
    from layerscope.commands import export  # noqa: PLC0415

    export.run(choices.source, target, history=not choices.no_history)


_QUIET = click.option("-q", "--quiet", is_flag=True, help="Only names that docker rmi takes, one a line.")


def _form(as_json: bool, quiet: bool) -> Literal["text", "json", "names"]:
    if as_json and quiet:
        raise click.UsageError("--json and -q are two forms; give one of them")
    return "json" if as_json else "names" if quiet else "text"


@cli.command()
@click.argument("images", nargs=-1, metavar="[IMAGE]...", shell_complete=complete_images)
@click.option("--filter", "filters", multiple=True, metavar="TERM", help="Only images that it selects, like unused.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema layerscope.plan/1; sizes in bytes.")
@_QUIET
@click.pass_obj
def plan(choices: Choices, images: tuple[str, ...], filters: tuple[str, ...], as_json: bool, quiet: bool) -> int:
    """Say what removing exactly these images would free, and what stays and why. Removes nothing.

    IMAGE is a name, a tag, a digest, an ID or the start of one, or a glob like 'myapp:*'.
    TERM is as in the interface: unused, dangling, older:30d, '>500MB', repo:api.
    """
    from layerscope.commands import plan as command  # noqa: PLC0415

    if not images and not filters:
        raise click.UsageError("which images? Name some, or select some with --filter")
    return command.run_plan(choices.source, images, filters, form=_form(as_json, quiet), units=choices.units)


@cli.command()
@click.argument("size", metavar="SIZE")
@click.option("--include-used", is_flag=True, help="Also images with containers, which have to be removed first.")
@click.option(
    "--pin",
    "pinned",
    multiple=True,
    metavar="IMAGE",
    shell_complete=complete_images,
    help="Never this one; may be given several times.",
)
@click.option(
    "--spare-local/--no-spare-local",
    default=True,
    show_default=True,
    help="Rather images that can be pulled again than those that exist only on this machine; or all alike.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema layerscope.free/1; sizes in bytes.")
@_QUIET
@click.pass_obj
def free(
    choices: Choices,
    size: str,
    include_used: bool,
    pinned: tuple[str, ...],
    spare_local: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Say what to remove to free at least SIZE, like 5GB, with the least loss. Removes nothing.

    Unused images before used ones, leftovers without a name first, then those that can be pulled
    again, older before newer, and as few as will do. Images that are pinned in the interface are left out too.
    """
    from layerscope.commands import plan as command  # noqa: PLC0415
    from layerscope.units import parse_size  # noqa: PLC0415

    try:
        target = parse_size(size)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return command.run_free(
        choices.source,
        target,
        pinned,
        include_used=include_used,
        spare_local=spare_local,
        form=_form(as_json, quiet),
        units=choices.units,
    )


def _complete_schemas(ctx: click.Context, param: click.Parameter, typed: str) -> list[str]:
    from layerscope.output.schemas import names  # noqa: PLC0415

    return [name for name in names() if name.startswith(typed)]


@cli.command()
@click.argument("old", metavar="OLD", type=click.Path(allow_dash=True))
@click.argument("new", required=False, metavar="[NEW]", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema layerscope.diff/1; sizes in bytes.")
@click.option("--markdown", "as_markdown", is_flag=True, help="As Markdown, for a comment or a job's summary.")
@click.pass_obj
def diff(choices: Choices, old: str, new: str | None, as_json: bool, as_markdown: bool) -> None:
    """Say what came and went between two scans: bytes, images, layers and whose they are.

    OLD and NEW are saved scans, - is standard input. Without NEW it is the engine as it is now.
    """
    from layerscope.commands import diff as command  # noqa: PLC0415

    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown are two forms; give one of them")
    if new is not None and choices.source.kind != "live":
        raise click.UsageError("NEW and --file or --demo name different things to look at; give one of them")
    if new is not None and (choices.host or choices.context):
        raise click.UsageError("NEW and --host or --context name different things to look at; give one of them")
    command.run(
        choices.source, old, new, form="json" if as_json else "markdown" if as_markdown else "text", units=choices.units
    )


@cli.command()
@click.argument("rules", default="", metavar="RULES", type=click.Path(allow_dash=True))
@click.option("--script", is_flag=True, help="As docker rmi lines by name, each guarded by the image's ID.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema layerscope.keep/1; sizes in bytes.")
@click.option("--example", is_flag=True, help="Print rules to start from.")
@click.pass_obj
def keep(choices: Choices, rules: str, script: bool, as_json: bool, example: bool) -> int | None:
    """Say what keep rules would remove, and what that really frees. Removes nothing.

    RULES is a TOML file, - is standard input. Images that are pinned in the interface stay.
    """
    from layerscope.commands import keep as command  # noqa: PLC0415

    if example:
        command.run_example()
        return None
    if not rules:
        raise click.UsageError("which rules? Name a file; --example prints one to start from")
    if script and as_json:
        raise click.UsageError("--script and --json are two forms; give one of them")
    form: Literal["script", "json", "text"] = "script" if script else "json" if as_json else "text"
    wanted = not choices.no_history
    return command.run(choices.source, rules, form=form, units=choices.units, history=wanted)


@cli.command()
@click.argument("rules", metavar="RULES", type=click.Path(allow_dash=True))
@click.option("--since", metavar="SCAN", type=click.Path(), help="A saved scan that growth is counted from.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "junit"]),
    default="text",
    show_default=True,
    help="json has schema layerscope.check/1.",
)
@click.pass_obj
def check(choices: Choices, rules: str, since: str | None, form: Literal["text", "json", "markdown", "junit"]) -> int:
    """Say whether the budget in a file is kept: exit status 0 if so, 1 if not or if nobody can tell.

    RULES is a TOML file with a [budget], as `layerscope keep --example` prints one; - is standard input.
    """
    from layerscope.commands import check as command  # noqa: PLC0415

    return command.run(choices.source, rules, since, form=form, units=choices.units)


@cli.command()
@click.option("--clear", is_flag=True, help="Forget everything that was kept, of every engine.")
@click.pass_obj
def history(choices: Choices, clear: bool) -> None:
    """Show what was on disk over the scans that were kept, and what made the biggest steps.

    Every scan of a live engine leaves a record, at most one an hour: what was on disk, which images were there, and
    which of them were in use.
    """
    from layerscope.commands import history as command  # noqa: PLC0415
    from layerscope.commands.remembering import history_of_user  # noqa: PLC0415

    if clear:
        command.run_clear()
    else:
        command.run(choices.source, history_of_user(), choices.units)


@cli.command()
@click.argument("name", default="", metavar="NAME", shell_complete=_complete_schemas)
def schema(name: str) -> None:
    """Print the JSON Schema of a document: scan, report, plan or free.

    Every document that --json or export writes keeps to it.
    """
    from layerscope.output.schemas import names  # noqa: PLC0415
    from layerscope.units import natural_list  # noqa: PLC0415

    if name not in names():
        wrong = f"there is no schema {name!a}; there are" if name else "which schema? There are"
        raise click.UsageError(f"{wrong} {natural_list(names())}")
    from layerscope.commands import schema as command  # noqa: PLC0415

    command.run(name)


@cli.command("pull-cost")
@click.argument("images", nargs=-1, metavar="[IMAGE]...", shell_complete=complete_images)
@click.option("--platform", default="", metavar="OS/ARCH", help="Another platform than the engine's own.")
@click.option(
    "--compose", "compose", multiple=True, metavar="FILE", type=click.Path(), help="The images of a compose file."
)
@click.option("--behind", is_flag=True, help="Which local tags are no longer what their registry has.")
@click.option("--insecure", multiple=True, metavar="HOST", help="A registry without TLS, or with any certificate.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema layerscope.pull-cost/1; sizes in bytes.")
@click.pass_obj
def pull_cost(
    choices: Choices,
    images: tuple[str, ...],
    platform: str,
    compose: tuple[str, ...],
    behind: bool,
    insecure: tuple[str, ...],
    as_json: bool,
) -> int:
    """Only look, pull nothing: what pulling these images, in this order, would download and add on disk.

    IMAGE is a name as docker pull takes it. Registries are asked with the logins of docker login; of
    layers nothing is fetched but a few bytes that tell their size.
    """
    from layerscope.commands import pull_cost as command  # noqa: PLC0415

    if behind and (compose or platform):
        raise click.UsageError("--behind looks at local tags; give it no --compose and no --platform")
    if not images and not compose and not behind:
        raise click.UsageError("which images? Name some, or a compose file with --compose")
    asked = command.Asked(images, compose, platform, insecure, as_json, choices.units)
    return command.run_behind(choices.source, asked) if behind else command.run(choices.source, asked)


cli.open_image = _open


def _report(choices: Choices, form: Form, *, total: bool = True) -> None:
    from layerscope.commands import report  # noqa: PLC0415

    report.run(choices.source, form, choices.units, history=not choices.no_history, total=total)


def _interface(choices: Choices, image: str = "") -> int | None:
    from layerscope.terminal import open_terminal, wants_interface  # noqa: PLC0415

    source = choices.source
    driven = bool(os.environ.get("TEXTUAL_DRIVER"))
    terminal = open_terminal() if wants_interface() and not driven else None
    if terminal is None and not driven:
        if image:
            raise click.UsageError(f"the interface needs a terminal; `layerscope plan {image}` prints what it frees")
        _report(choices, "text")
        return None
    from layerscope.commands import interface  # noqa: PLC0415

    units, history = choices.units if choices.units_name else None, not choices.no_history
    return interface.run(source, units, terminal, read_only=choices.read_only, history=history, image=image)


def unusable(platform: str) -> str:
    """Return why layerscope does not run on a platform (``sys.platform``), and what does; empty where it does."""
    if platform != "win32":
        return ""
    return "layerscope does not run on Windows itself; in WSL 2 it does, and finds Docker Desktop's engine there"


def _interrupted() -> NoReturn:
    """End with the status itself: Python sends itself the signal once more if it came while a class was being made."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    os._exit(INTERRUPTED)


def main() -> NoReturn:
    """Run the program: the entry point of the installed command."""
    if why := unusable(sys.platform):  # before anything is imported that is not there
        sys.stderr.write(f"{why}\n")
        sys.exit(FAILED)
    keep_standard_descriptors()
    try:
        cli()
    except KeyboardInterrupt:  # before there was a command, or after it
        _interrupted()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _interrupted()
        raise
    raise AssertionError  # cli() exits
