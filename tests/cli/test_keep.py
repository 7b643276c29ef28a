"""``layerscope keep`` and ``check`` as they are typed: what they print, and the status they leave."""

from __future__ import annotations

import shlex
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from rich.cells import cell_len

from layerscope.cli import cli
from layerscope.inventory import Inventory
from layerscope.search.rules import read_rules
from layerscope.sources.scanfile import save_inventory
from layerscope.state.pins import Pins
from tests.documents import held
from tests.hosts import HOSTILE, NOW, SMALL, image_id

RULES = """
[[keep]]
last = 1
[[drop]]
note = "old ones"
older_than = "10d"
filter = "unused"
[[drop]]
filter = "dangling"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "layerscope"


@pytest.fixture
def scan(tmp_path: Path) -> str:
    return saved(tmp_path, SMALL)


def saved(folder: Path, inventory: Inventory, name: str = "scan.json") -> str:
    save_inventory(inventory, folder / name)
    return str(folder / name)


def run(*args: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, args, input=given)


def rules(folder: Path, text: str = RULES) -> str:
    (folder / "keep.toml").write_text(text, encoding="utf-8")
    return str(folder / "keep.toml")


def test_each_rule_is_told_and_then_what_the_set_really_frees(scan: str, tmp_path: Path) -> None:
    result = run("-f", scan, "keep", rules(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "RULE  IMAGES  LISTED   ALONE     ADDS\n"
        "keep       1  117 MB     0 B      0 B  the last 1 of each repository by creation\n"
        "drop       1  147 MB  1.5 kB  +1.5 kB  old ones\n"
        "drop       1  155 MB  1.0 MB  +1.0 MB  has no tag\n"
        "\n"
        "Removing 2 images · listed 302 MB\n"
        "\n"
        "Frees    1.0 MB    1,001,450 B  2 layers that nothing else needs\n"
    )
    assert "This is a plan: nothing was removed." in result.stdout


def test_json_adds_up(scan: str, tmp_path: Path) -> None:
    found = held(run("-f", scan, "keep", rules(tmp_path), "--json").stdout)
    drops = [one for one in found["rules"] if one["rule"] == "drop"]
    assert sum(one["adds_bytes"] for one in drops) == found["frees_bytes"] == found["plan"]["frees_bytes"] == 1_001_450
    assert [one["decides"] for one in drops] == [[image_id("app1")], [image_id("old")]]
    assert [one["line"] for one in found["rules"]] == [2, 4, 8]


def test_pinned_images_stay(scan: str, tmp_path: Path) -> None:
    pins = Pins.of_user()
    from layerscope.core.build import build_graph

    pins.toggle([build_graph(SMALL).image_by_id[image_id("app1")]])
    found = held(run("-f", scan, "keep", rules(tmp_path), "--json").stdout)
    assert found["pinned"] == [image_id("app1")]
    assert found["plan"]["images"] == [image_id("old")]


def test_the_script_removes_by_name_only_what_the_name_still_means(scan: str, tmp_path: Path) -> None:
    script = run("-f", scan, "keep", rules(tmp_path), "--script").stdout
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    tool = tmp_path / "bin" / "docker"
    tool.parent.mkdir()
    log = tmp_path / "log"
    for known, removed in ((image_id("app1"), ["app:1"]), (image_id("base"), [])):
        log.write_text("")
        tool.write_text(
            "#!/bin/sh\n"
            f'case "$1 $2" in "image inspect") case "$5" in app:1) echo {known};; *) echo "$5 1";; esac;;\n'
            f'rmi*) echo "$2" >> {shlex.quote(str(log))};; esac\n'
        )
        tool.chmod(0o755)
        subprocess.run(["sh"], input=script, text=True, check=False, env={"PATH": f"{tool.parent}:/usr/bin:/bin"})
        assert log.read_text().split() == removed  # the one without a name has one by now


@pytest.mark.parametrize(("answers", "status"), [("ABCD", 0), ("EFGH", 1), ("", 1)])
def test_the_script_does_nothing_on_another_engine(tmp_path: Path, answers: str, status: int) -> None:
    scan = saved(tmp_path, replace(SMALL, engine=replace(SMALL.engine, id="ABCD")))
    script = run("-f", scan, "keep", rules(tmp_path), "--script").stdout
    tool, log = tmp_path / "docker", tmp_path / "log"
    log.write_text("")
    tool.write_text(
        "#!/bin/sh\n"
        f'case "$1 $2" in "info --format") echo {answers};;\n'
        f'"image inspect") [ "$5" = app:1 ] && echo {image_id("app1")};;\n'
        f'rmi*) echo "$2" >> {shlex.quote(str(log))};; esac\n'
    )
    tool.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh"], input=f"{script}true\n", text=True, check=False, env=environment, capture_output=True)
    assert done.returncode == status
    assert log.read_text().split() == ([] if status else ["app:1"])
    assert done.stderr.count("\n") == status
    hostile = saved(tmp_path, replace(SMALL, engine=replace(SMALL.engine, id="$(touch x)")), "h.json")
    assert "touch" not in run("-f", hostile, "keep", rules(tmp_path), "--script").stdout


def test_a_hostile_name_never_gets_on_a_line_of_the_script(tmp_path: Path) -> None:
    evil = replace(HOSTILE, images=(replace(HOSTILE.images[0], tags=("$(touch x);`id`'\n",)), *HOSTILE.images[1:]))
    path = rules(tmp_path, "[[drop]]\nfilter = 'unused or used'\n")
    script = run("-f", saved(tmp_path, replace(evil, containers=())), "keep", path, "--script").stdout
    assert "touch" not in script
    assert "left out: no name and no ID" in script
    for line in script.splitlines():
        assert line.startswith(("#", '[ "$(docker image inspect'))


def test_rules_that_select_nothing_are_warned_of_and_nothing_is_status_1(scan: str, tmp_path: Path) -> None:
    text = "[[keep]]\nnames = ['x/*']\n[[drop]]\nfilter = 'repo:none'\nused_within = '5d'\n"
    result = run("-f", scan, "keep", rules(tmp_path, text))
    assert result.exit_code == 1
    assert "Warning: line 1: the keep rule “named x/*” selects no image." in result.stdout
    assert "no earlier scan of this engine was kept" in result.stdout
    assert "there is no [[drop]] rule" in run("-f", scan, "keep", rules(tmp_path, "[[keep]]\nlast = 1")).stdout
    assert run("-f", scan, "keep", rules(tmp_path, "")).exit_code == 1


def test_the_example_is_what_can_be_read_and_tried(tmp_path: Path) -> None:
    example = run("keep", "--example").stdout
    assert len(read_rules(example, "x", NOW).rules) == 6
    assert run("--demo", "keep", rules(tmp_path, example)).exit_code == 0
    assert run("--demo", "check", rules(tmp_path, example)).exit_code == 0
    assert run("--demo", "keep", "-", given=example).exit_code == 0


def test_no_line_is_wider_than_the_page_whatever_the_text(tmp_path: Path) -> None:
    scan = saved(tmp_path, HOSTILE)
    text = f"[[drop]]\nnote = '{'日本' * 60}'\nfilter = 'unused or used'\n[budget.unique]\n'{'x' * 200}' = 0\n"
    for command in ("keep", "check"):
        result = run("-f", scan, command, rules(tmp_path, text))
        assert result.exit_code in {0, 1}
        assert all(cell_len(line) <= 80 and line.isprintable() for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["keep"], "which rules?"),
        (["keep", "/none"], "/none: cannot be read: no such file"),
        (["keep", "R", "--json", "--script"], "two forms"),
        (["-f", "-", "keep", "-"], "cannot both come from standard input"),
        (["check", "/none"], "/none: cannot be read: no such file"),
        (["check", "BIG"], "cannot be read: longer than 65,536 bytes"),
        (["keep", "/dev/zero"], "cannot be read: not a regular file"),
        (["check", "R"], "no [budget] in it"),
        (["check", "G"], "growth is counted from a scan; name one with --since"),
        (["keep", "BAD"], "line 2: unknown key “lst” in [[keep]]; did you mean last?"),
        (["keep", "LATIN"], "not UTF-8 text (byte 0)"),
    ],
)
def test_wrong_use_is_one_line(args: list[str], words: str, tmp_path: Path) -> None:
    files = {"R": RULES, "G": "[budget]\ngrowth = '1GB'", "BAD": "[[keep]]\nlst = 2"}
    given = []
    for arg in args:
        path = tmp_path / arg.strip("/")
        if arg in files:
            path.write_text(files[arg])
        elif arg == "BIG":
            with path.open("wb") as stream:
                stream.truncate(100 << 20)
        elif arg == "LATIN":
            path.write_bytes(b"\xff")
        given.append(str(path) if arg in {*files, "BIG", "LATIN"} else arg)
    result = run(*given)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert words in result.stderr


# --- check --------------------------------------------------------------------

BUDGET = "[budget]\nfootprint = '154MB'\nlayers = 4\ndangling = 0\nmissed = '1GB'\n[budget.unique]\n'app:*' = '40MB'\n"


def test_what_is_over_is_told_and_is_status_1(scan: str, tmp_path: Path) -> None:
    result = run("-f", scan, "check", rules(tmp_path, BUDGET))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:6]] == [
        ["OVER", "footprint"],
        ["ok", "layers"],
        ["OVER", "dangling"],
        ["ok", "missed"],
        ["ok", "unique.app:*"],
    ]
    assert lines[-1] == "layerscope-check: over budgets=5 over=2 unknown=0"
    kept = run("-f", scan, "check", rules(tmp_path, "[budget]\nfootprint = '155MB'"))
    assert kept.exit_code == 0
    assert kept.stdout.splitlines()[-1] == "layerscope-check: ok budgets=1 over=0 unknown=0"


def test_json_markdown_and_junit_say_the_same(scan: str, tmp_path: Path) -> None:
    path = rules(tmp_path, BUDGET)
    found = held(run("-f", scan, "check", path, "--format", "json").stdout)
    assert found["ok"] is False
    assert [one["state"] for one in found["checks"]] == ["over", "ok", "over", "ok", "ok"]
    assert found["checks"][0]["value"] == 154_601_450
    markdown = run("-f", scan, "check", path, "--format", "markdown").stdout
    assert markdown.startswith("**2 of 5 budgets not kept**\n")
    assert "| OVER | dangling | 1 | 0 | images without a tag |" in markdown
    suite = ET.fromstring(run("-f", scan, "check", path, "--format", "junit").stdout.encode())
    assert suite.attrib["failures"] == "2"
    assert [case.find("failure") is not None for case in suite.iter("testcase")] == [True, False, True, False, False]


def test_what_is_not_known_fails_and_is_told_apart(tmp_path: Path) -> None:
    scan = saved(tmp_path, replace(SMALL, images=(*SMALL.images, replace(HOSTILE.images[2], id=image_id("x")))))
    result = run("-f", scan, "check", rules(tmp_path, "[budget]\nfootprint = '1GB'"))
    assert result.exit_code == 1
    assert "UNKNOWN" in result.stdout
    assert result.stdout.splitlines()[-1] == "layerscope-check: unknown budgets=1 over=0 unknown=1"


def test_growth_is_since_a_scan(scan: str, tmp_path: Path) -> None:
    before = saved(tmp_path, replace(SMALL, images=SMALL.images[:3], usage=None), "before.json")
    for limit, status in (("1MB", 0), ("999kB", 1)):
        path = rules(tmp_path, f"[budget]\ngrowth = '{limit}'")
        assert run("-f", scan, "check", path, "--since", before).exit_code == status


def test_a_hostile_pattern_is_sound_in_junit(scan: str, tmp_path: Path) -> None:
    path = rules(tmp_path, '[budget.unique]\n"<&\\"\\u0001\\u001b[31m*" = 0\n"app:*" = 0\n')
    suite = ET.fromstring(run("-f", scan, "check", path, "--format", "junit").stdout.encode())
    assert len(list(suite.iter("testcase"))) == 2
