"""What is a terminal is asked of every stream, and what it can show of the terminal and the locale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal.pty_session import PROGRAM, session


@pytest.mark.parametrize(
    "before",
    [
        "import os; os.close(0)",
        "import os; os.close(2)",
        "import os; os.close(0); os.close(2)",
        "import os; os.dup2(os.open('err', os.O_CREAT | os.O_WRONLY), 2)",
        "import os; os.dup2(os.open('/dev/null', os.O_RDONLY), 0)",
        "import os; os.dup2(os.pipe()[0], 0)",
    ],
)
def test_standard_input_and_error_may_be_closed_or_elsewhere(tmp_path: Path, before: str) -> None:
    again = f"{before}; import sys; os.execv(sys.executable, [sys.executable, '-c', {PROGRAM!r}, *sys.argv[1:]])"
    with session("--demo", folder=tmp_path, before=again) as run:
        run.sees("images")
        run.keys("\x11")
        assert run.status() == 0
        run.check_restored()
    if (tmp_path / "err").exists():
        assert (tmp_path / "err").read_bytes() == b""


def test_the_size_is_the_terminals(tmp_path: Path) -> None:
    with session("--demo", folder=tmp_path, size=(90, 26), COLUMNS="100", LINES="40") as run:
        run.until(lambda: b"\x1b[26;" in run.output)
        assert b"\x1b[27;" not in run.output
        run.size(120, 35)
        run.until(lambda: b"\x1b[35;" in run.output)
        run.keys("\x11")
        assert run.status() == 0


@pytest.mark.parametrize("locale", ["en_US.ISO-8859-1", "C", "POSIX"])
def test_other_locales_show_no_codes(tmp_path: Path, locale: str) -> None:
    """Python's own answer to a box in Latin-1 is ``\\\\u2502``. C and POSIX count as UTF-8 in Python (PEP 538, 540)."""
    before = """
import locale, os
if os.environ["LC_ALL"] == "en_US.ISO-8859-1":  # which may not be installed here
    locale.getencoding = lambda: "iso-8859-1"
"""
    with session(
        "--demo", folder=tmp_path, before=before, LC_ALL=locale, PYTHONUTF8="0" if "ISO" in locale else None
    ) as run:
        run.sees("images")
        run.keys("\xe9")
        run.keys("\udce9\udcff")
        run.keys("\x11")
        assert run.status() == 0
        run.check_restored()
        assert b"\\u2" not in run.output
        if "ISO" in locale:
            assert b"\xe2\x94" not in run.output  # how a box begins in UTF-8


@pytest.mark.parametrize("typed", ["\udcff", "a\udce9b"])
def test_bytes_that_are_no_text_are_survived(tmp_path: Path, typed: str) -> None:
    with session("--demo", folder=tmp_path) as run:
        run.sees("images")
        run.keys(typed)
        run.forget()
        run.keys("?")
        run.sees("keys")
        run.keys("\x11")
        assert run.status() == 0


def test_a_dumb_terminal_gets_the_report(tmp_path: Path) -> None:
    with session("--demo", folder=tmp_path, TERM="dumb") as run:
        assert run.status() == 0
    assert b"\x1b" not in run.output
    assert b"images" in run.output


def test_a_driver_that_was_chosen_is_used(tmp_path: Path) -> None:
    """A browser front end runs the program with pipes, and names a driver."""
    (tmp_path / "chosen.py").write_text(
        "from textual.drivers.headless_driver import HeadlessDriver\n"
        "class Chosen(HeadlessDriver):\n"
        "    def start_application_mode(self):\n"
        "        open('used', 'w').close()\n"
        "        super().start_application_mode()\n"
        "        self._app.call_later(self._app.exit, 7)\n"
    )
    root = str(Path(__file__).parents[2])
    environ = {**os.environ, "HOME": str(tmp_path), "TEXTUAL_DRIVER": "chosen:Chosen"}
    environ |= {"PYTHONPATH": f"{tmp_path}:{root}", "XDG_STATE_HOME": str(tmp_path / "state")}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, "--demo"], cwd=tmp_path, env=environ, capture_output=True, check=False
    )
    assert (tmp_path / "used").exists(), result.stderr
