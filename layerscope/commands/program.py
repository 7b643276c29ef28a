"""The program as a whole: the options that every command takes, errors as lines, exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from layerscope.sources.open import Source
    from layerscope.units import Units

WRONG_USE, FAILED = 2, 3
"""Exit statuses beside 0 (done) and 1 (the answer is no): wrong use; no engine, or it or the output failed."""
INTERRUPTED, NOBODY_READS = 130, 141
"""As a shell reports the signals INT and PIPE."""


class Choices:
    """The options that every command takes, before its name or behind it."""

    def __init__(self) -> None:  # written out: what makes it of fields takes as long to load as all of this module
        self.host: str | None = None
        self.context: str | None = None
        self.file: str | None = None
        self.demo: bool | None = None
        self.units_name: str | None = None
        self.read_only = False
        self.no_history: bool | None = None
        self.no_cache: bool | None = None

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
        return Source("live", host=self.host, context=self.context, cache=not self.no_cache)

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


def _complete_contexts(ctx: click.Context, param: click.Parameter, typed: str) -> list[str]:
    from layerscope.commands.completing import contexts  # noqa: PLC0415

    return contexts(typed)


def complete_images(ctx: click.Context, param: click.Parameter | None, typed: str) -> list[str]:
    """Return the images that a word may become."""
    from layerscope.commands.completing import images  # noqa: PLC0415

    try:
        return images(ctx.ensure_object(Choices).source, typed)
    except click.UsageError:
        return []


_SHARED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("-H", "--host"),
        {"metavar": "URL", "multiple": True, "help": "The engine at this address: unix:///…, tcp://…, ssh://…"},
    ),
    (
        ("-c", "--context"),
        {
            "metavar": "NAME",
            "multiple": True,
            "shell_complete": _complete_contexts,
            "help": "The engine of this docker context.",
        },
    ),
    (
        ("-f", "--file"),
        {"metavar": "FILE", "type": click.Path(), "help": "A saved scan instead of an engine; - is standard input."},
    ),
    (("--demo",), {"is_flag": True, "flag_value": True, "help": "The bundled sample host instead of an engine."}),
    (
        ("--no-history",),
        {"is_flag": True, "flag_value": True, "help": "Keep no record of this scan, and ask none."},
    ),
    (
        ("--no-cache",),
        {"is_flag": True, "flag_value": True, "help": "Ask the engine everything; take nothing from earlier runs."},
    ),
    (
        ("--units", "units_name"),
        {"type": click.Choice(["si", "binary"]), "help": "Sizes in kB, MB, GB (si) or KiB, MiB, GiB (binary)."},
    ),
)


_OPTIONS: list[click.Parameter] = [
    click.Option(names, default=None, expose_value=False, callback=_choose, **rest) for names, rest in _SHARED
]
"""The same ones for all commands."""


class SourceCommand(click.Command):
    """A command that takes the shared options too."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += _OPTIONS


class Program(click.Group):
    """The whole program: whatever goes wrong is one line on standard error and an exit status."""

    command_class = SourceCommand
    open_image: click.Command
    """What a first word that names no command is given to."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += _OPTIONS

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, *_: Any, **extra: Any) -> NoReturn:
        """Run, then exit with the status."""
        extra["standalone_mode"] = False
        extra["terminal_width"] = _help_width()
        try:
            status = super().main(args, "layerscope", **extra) or 0
        except click.Abort:
            status = INTERRUPTED
        except click.ClickException as error:
            status = _fail(WRONG_USE, f"{error.format_message().rstrip('.')}; see `layerscope --help`")
        _close_output()
        sys.exit(status)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember whether the first word came after ``--``: then it is an image, whatever its name."""
        given = list(args)
        rest = super().parse_args(ctx, args)
        words = [*getattr(ctx, "_protected_args", ()), *ctx.args]  # click 8 keeps the command's name apart
        before = len(given) - len(words) - 1
        ctx.meta["layerscope.image"] = bool(words) and before >= 0 and given[before] == "--"
        return rest

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names; a word that names none is an image to open."""
        word = args[0]
        if ctx.meta["layerscope.image"] or (word not in self.commands and not word.startswith("-")):
            return word, self.open_image, args
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands, options and images that a word may become."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            return found
        from click.shell_completion import CompletionItem  # noqa: PLC0415 (only for a shell)

        return found + [CompletionItem(name) for name in complete_images(ctx, None, incomplete)]

    def invoke(self, ctx: click.Context) -> int | None:
        """Run the command that was named; what it raises becomes a line and a status."""
        try:
            status: int | None = super().invoke(ctx)
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:
            return NOBODY_READS
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            return _failed(error)
        return status


_WIDEST = 100
"""Columns of a help text."""


def _help_width() -> int:
    """Return the columns for a help text as click does, without the module for archives that it loads for that."""
    try:
        columns = int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        try:
            columns = os.get_terminal_size(1).columns or 80
        except OSError:
            columns = 80
    return max(min(columns, _WIDEST) - 2, 50)


def keep_standard_descriptors() -> None:
    """Open what is closed of descriptors 0 to 2, so that no file that is opened later becomes standard output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def _failed(error: Exception) -> int:
    """Say in a line what a command raised, and return the exit status."""
    from layerscope.commands.common import OutputError  # noqa: PLC0415 (only now is any of it needed)
    from layerscope.engine.errors import EngineError, UsageError  # noqa: PLC0415
    from layerscope.errors import WrongInputError  # noqa: PLC0415
    from layerscope.search.select import SelectionError  # noqa: PLC0415
    from layerscope.sources.scanfile import ScanFileError  # noqa: PLC0415
    from layerscope.state.pins import PinsError  # noqa: PLC0415

    if isinstance(error, (ScanFileError, UsageError, SelectionError, PinsError, WrongInputError)):
        return _fail(WRONG_USE, str(error))
    if isinstance(error, (EngineError, OutputError)):
        return _fail(FAILED, str(error))
    if os.environ.get("LAYERSCOPE_TRACEBACK"):
        raise error
    what = f"{type(error).__name__}: {error}"
    return _fail(FAILED, f"a mistake in layerscope itself: {what}; LAYERSCOPE_TRACEBACK=1 shows where")


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
