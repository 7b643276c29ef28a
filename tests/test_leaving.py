"""The end of the process: at once, with nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = """
import atexit, sys, threading
from layerscope.leaving import end_at_once

class Kept:
    def __del__(self):
        print("taken apart")

kept = Kept()
atexit.register(print, "registered")
sys.stdout.write("written\\n")
"""


def ended(code: str) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, timeout=30, check=False)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(("status", "code"), [("3", 3), ("None", 0), ("True", 1)])
def test_what_was_written_and_registered_is_done_and_nothing_is_taken_apart(status: str, code: int) -> None:
    assert ended(f"end_at_once({status})") == (code, ["written", "registered"])


def test_a_thread_that_must_not_be_cut_is_waited_for() -> None:
    code = """
import time
threading.Thread(target=lambda: (time.sleep(0.1), print("finished"))).start()
end_at_once(3)
sys.exit(4)
"""
    assert ended(code) == (4, ["written", "finished", "registered", "taken apart"])


def test_a_profiler_has_its_say() -> None:
    code = "sys.setprofile(lambda *_: None)\nend_at_once(3)\nsys.exit(4)"
    status, lines = ended(code)
    assert (status, lines[:2]) == (4, ["written", "registered"])


def test_an_output_that_is_full_is_left_to_python() -> None:
    code = "import sys; from layerscope.leaving import end_at_once; sys.stdout.write('x'); end_at_once(0)"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": ""},
            timeout=30,
            check=False,
        )
    assert (done.returncode, b"No space left" in done.stderr) == (120, True)
