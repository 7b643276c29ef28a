"""The command line: commands, options, exit statuses and error lines.

What is heavy is imported by the command that needs it, so that ``--help`` and
``report`` load no Textual, and ``-f`` and ``--demo`` no docker-py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click

from layerscope import __version__

if TYPE_CHECKING:
    from layerscope.commands.report import Form
    from layerscope.sources.open import Source
    from layerscope.units import Units

WRONG_USE, FAILED = 2, 3
"""Exit statuses beside 0 (done) and 1 (the answer is no): wrong use; no engine, or it or the output failed."""
INTERRUPTED, NOBODY_READS = 130, 141
"""As a shell reports the signals INT and PIPE."""


@dataclass(slots=True)
class Choices:
    """The options that every command takes, before its name or behind it."""

    host: str | None = None
    context: str | None = None
    file: str | None = None
    demo: bool | None = None
    units_name: str | None = None
    read_only: bool = False
    no_history: bool | None = None

    @property
    def source(self) -> Source:
        """What to look at. Raises click.UsageError when two are named."""
        from layerscope.sources.open import Source  # noqa: PLC0415

        named = {"--demo": self.demo, "--file": self.file, "--host": self.host, "--context": self.context}
        given = [option for option, value in named.items() if value is not None]
        if len(given) > 1:
            from layerscope.units import natural_list  # noqa: PLC0415

            raise click.UsageError(f"{natural_list(given)} name different things to look at; give one of them")
        if self.demo:
            return Source("demo")
        if self.file is not None:
            return Source("file", path=self.file)
        return Source("live", host=self.host, context=self.context)

    @property
    def units(self) -> Units:
        """The units to print sizes in."""
        from layerscope.units import Units  # noqa: PLC0415

        return Units(self.units_name or "si")


def _choose(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep an option that was given, before the command's name or behind it. A second host is no slip to guess at."""
    choices = ctx.ensure_object(Choices)
    if value is None or param.name is None:
        return
    if param.multiple:
        given = [*filter(None, [getattr(choices, param.name)]), *value]
        if len(given) > 1:
            raise click.UsageError(f"--{param.name} was given more than once; give one of them")
        value = given[0] if given else None
    setattr(choices, param.name, value)


_SHARED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("-H", "--host"),
        {"metavar": "URL", "multiple": True, "help": "The engine at this address: unix:///…, tcp://…, ssh://…"},
    ),
    (("-c", "--context"), {"metavar": "NAME", "multiple": True, "help": "The engine of this docker context."}),
    (("-f", "--file"), {"metavar": "FILE", "help": "A saved scan instead of an engine; - is standard input."}),
    (("--demo",), {"is_flag": True, "flag_value": True, "help": "The bundled sample host instead of an engine."}),
    (
        ("--no-history",),
        {"is_flag": True, "flag_value": True, "help": "Keep no record of this scan, and ask none."},
    ),
    (
        ("--units", "units_name"),
        {"type": click.Choice(["si", "binary"]), "help": "Sizes in kB, MB, GB (si) or KiB, MiB, GiB (binary)."},
    ),
)


def _shared_options() -> list[click.Parameter]:
    return [click.Option(names, default=None, expose_value=False, callback=_choose, **rest) for names, rest in _SHARED]


class _Command(click.Command):
    """A command that takes the shared options too."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += _shared_options()


class _Cli(click.Group):
    """The whole program: whatever goes wrong is one line on standard error and an exit status."""

    command_class = _Command

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += _shared_options()

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **extra: Any) -> NoReturn:
        """Run, then exit with the status."""
        extra["standalone_mode"] = False
        try:
            status = super().main(args, "layerscope", **extra) or 0
        except click.Abort:
            status = INTERRUPTED
        except click.ClickException as error:
            status = _fail(WRONG_USE, f"{error.format_message().rstrip('.')}; see `layerscope --help`")
        _close_output()
        sys.exit(status)

    def invoke(self, ctx: click.Context) -> int | None:
        """Run the command that was named; what it raises becomes a line and a status."""
        from layerscope.commands.common import OutputError  # noqa: PLC0415
        from layerscope.engine.errors import EngineError, UsageError  # noqa: PLC0415 (has no docker-py in it)
        from layerscope.errors import WrongInputError  # noqa: PLC0415
        from layerscope.search.select import SelectionError  # noqa: PLC0415
        from layerscope.sources.scanfile import ScanFileError  # noqa: PLC0415
        from layerscope.state.pins import PinsError  # noqa: PLC0415

        try:
            status: int | None = super().invoke(ctx)
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:
            return NOBODY_READS
        except (ScanFileError, UsageError, SelectionError, PinsError, WrongInputError) as error:
            return _fail(WRONG_USE, str(error))
        except (EngineError, OutputError) as error:
            return _fail(FAILED, str(error))
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if os.environ.get("LAYERSCOPE_TRACEBACK"):
                raise
            what = f"{type(error).__name__}: {error}"
            return _fail(FAILED, f"a mistake in layerscope itself: {what}; LAYERSCOPE_TRACEBACK=1 shows where")
        return status


def _fail(status: int, line: str) -> int:
    from layerscope.text import clean  # noqa: PLC0415

    with suppress(OSError):
        click.echo(f"layerscope: {clean(' '.join(line.split()))}", err=True)
    return status


def _close_output() -> None:
    """Flush standard output; if that fails, as was said already, keep Python from failing on it once more."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        with suppress(OSError, ValueError, AttributeError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())
            os.close(null)


@click.group(
    cls=_Cli,
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
    Where standard output is no terminal: the report.
    """
    if ctx.invoked_subcommand is not None:
        return None
    choices = ctx.ensure_object(Choices)
    choices.read_only = read_only
    return _interface(choices)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema layerscope.report/1; sizes in bytes.")
@click.option("--csv", "as_csv", is_flag=True, help="The images as CSV; sizes in bytes.")
@click.pass_obj
def report(choices: Choices, as_json: bool, as_csv: bool) -> None:
    """Print totals, images, and the layers that save most."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv are two reports; give one of them")
    _report(choices, "json" if as_json else "csv" if as_csv else "text")


@cli.command()
@click.argument("target", default="-", metavar="[FILE]")
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
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
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
@click.option("--pin", "pinned", multiple=True, metavar="IMAGE", help="Never this one; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema layerscope.free/1; sizes in bytes.")
@_QUIET
@click.pass_obj
def free(choices: Choices, size: str, include_used: bool, pinned: tuple[str, ...], as_json: bool, quiet: bool) -> int:
    """Say what to remove to free at least SIZE, like 5GB, with the least loss. Removes nothing.

    Unused images before used ones, leftovers without a name first, older before newer, and as
    few as will do. Images that are pinned in the interface are left out too.
    """
    from layerscope.commands import plan as command  # noqa: PLC0415
    from layerscope.units import parse_size  # noqa: PLC0415

    try:
        target = parse_size(size)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return command.run_free(
        choices.source, target, pinned, include_used=include_used, form=_form(as_json, quiet), units=choices.units
    )


@cli.command()
@click.argument("old", metavar="OLD")
@click.argument("new", required=False, metavar="[NEW]")
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
@click.argument("rules", default="", metavar="RULES")
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
@click.argument("rules", metavar="RULES")
@click.option("--since", metavar="SCAN", help="A saved scan that growth is counted from.")
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

    if clear:
        command.run_clear()
    else:
        command.run(choices.source, command.history_of_user(), choices.units)


@cli.command()
@click.argument("name", default="", metavar="NAME")
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
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@click.option("--platform", default="", metavar="OS/ARCH", help="Another platform than the engine's own.")
@click.option("--compose", "compose", multiple=True, metavar="FILE", help="The images of a compose file.")
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


def _report(choices: Choices, form: Form) -> None:
    from layerscope.commands import report  # noqa: PLC0415

    report.run(choices.source, form, choices.units, history=not choices.no_history)


def _interface(choices: Choices) -> int | None:
    from layerscope.terminal import open_terminal, wants_interface  # noqa: PLC0415

    source = choices.source
    driven = bool(os.environ.get("TEXTUAL_DRIVER"))
    terminal = open_terminal() if wants_interface() and not driven else None
    if terminal is None and not driven:
        _report(choices, "text")
        return None
    from layerscope.commands import interface  # noqa: PLC0415

    return interface.run(source, choices.units if choices.units_name else None, terminal, read_only=choices.read_only)


def unusable(platform: str) -> str:
    """Return why layerscope does not run on a platform (``sys.platform``), and what does; empty where it does."""
    if platform != "win32":
        return ""
    return "layerscope does not run on Windows itself; in WSL 2 it does, and finds Docker Desktop's engine there"


def main() -> NoReturn:
    """Run the program: the entry point of the installed command."""
    if why := unusable(sys.platform):  # before anything is imported that is not there
        sys.stderr.write(f"{why}\n")
        sys.exit(FAILED)
    from layerscope.terminal import keep_standard_descriptors  # noqa: PLC0415

    keep_standard_descriptors()
    try:
        cli()
    except KeyboardInterrupt:  # before there was a command, or after it
        sys.exit(INTERRUPTED)
    raise AssertionError  # cli() exits
