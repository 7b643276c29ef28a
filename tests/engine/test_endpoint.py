"""Which engine is meant: the same answer as the ``docker`` command gives."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from layerscope.engine.connect import connect
from layerscope.engine.endpoint import DEFAULT_HOST, Endpoint, find_endpoint
from layerscope.engine.errors import EngineError, UsageError
from layerscope.text import mask_address
from tests.replay import replay


def make_context(config: Path, name: str, docker: object) -> Path:
    """Write a context as docker/cli stores it; return the folder of its certificates."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts/meta" / key / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": docker}}))
    return config / "contexts/tls" / key / "docker"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A docker configuration with the contexts "work" and "home", "home" the current one."""
    make_context(tmp_path, "work", {"Host": "unix:///work.sock", "SkipTLSVerify": False})
    make_context(tmp_path, "home", {"Host": "ssh://me@home", "SkipTLSVerify": False})
    (tmp_path / "config.json").write_text('{"currentContext": "home"}')
    return tmp_path


@pytest.mark.parametrize(
    ("host", "context", "environ", "found"),
    [
        (None, None, {}, ("ssh://me@home", 'context "home"')),
        (None, None, {"DOCKER_CONTEXT": "work"}, ("unix:///work.sock", 'context "work"')),
        (None, None, {"DOCKER_CONTEXT": "default"}, (DEFAULT_HOST, "the default socket")),
        (None, None, {"DOCKER_CONTEXT": "work", "DOCKER_HOST": "unix:///e.sock"}, ("unix:///e.sock", "DOCKER_HOST")),
        (None, None, {"DOCKER_HOST": "unix:///e.sock"}, ("unix:///e.sock", "DOCKER_HOST")),
        (None, None, {"DOCKER_HOST": ""}, ("ssh://me@home", 'context "home"')),
        (None, "work", {"DOCKER_HOST": "unix:///e.sock"}, ("unix:///work.sock", 'context "work"')),
        (None, "default", {"DOCKER_HOST": "unix:///e.sock"}, ("unix:///e.sock", "DOCKER_HOST")),
        (None, "default", {"DOCKER_CONTEXT": "work"}, (DEFAULT_HOST, "the default socket")),
        ("unix:///h.sock", None, {"DOCKER_HOST": "unix:///e.sock"}, ("unix:///h.sock", "--host")),
        ("tcp://box", None, {}, ("tcp://box:2375", "--host")),
    ],
)
def test_the_order_of_the_docker_command(
    config: Path, host: str | None, context: str | None, environ: dict[str, str], found: tuple[str, str]
) -> None:
    endpoint = find_endpoint(host, context, {"DOCKER_CONFIG": str(config), **environ})
    assert (endpoint.host, endpoint.source) == found


def test_without_any_configuration_it_is_the_default_socket(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert find_endpoint(environ={"DOCKER_CONFIG": str(folder)}).host == DEFAULT_HOST
    for text in ("not json", "[]", '{"currentContext": null}', '{"currentContext": ""}'):
        (tmp_path / "config.json").write_text(text)
        assert find_endpoint(environ={"DOCKER_CONFIG": str(tmp_path)}).host == DEFAULT_HOST


def test_host_and_context_together_are_an_error() -> None:
    with pytest.raises(UsageError, match="--host and --context"):
        find_endpoint("unix:///a", "b", {})


@pytest.mark.parametrize("how", ["--context", "DOCKER_CONTEXT", "currentContext"])
def test_an_unknown_context_names_those_that_exist(config: Path, how: str) -> None:
    """docker-py takes the default socket instead: another engine than the one that was meant."""
    environ = {"DOCKER_CONFIG": str(config)}
    if how == "DOCKER_CONTEXT":
        environ[how] = "wrok"
    if how == "currentContext":
        (config / "config.json").write_text('{"currentContext": "wrok"}')
    with pytest.raises(UsageError) as caught:
        find_endpoint(None, "wrok" if how == "--context" else None, environ)
    assert str(caught.value) == f"there is no context 'wrok' ({how}); contexts that exist: default, home and work"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Endpoints": {"docker": 1}}', '{"Endpoints": null}', "\xff"])
def test_a_context_that_cannot_be_read(config: Path, text: str) -> None:
    key = hashlib.sha256(b"work").hexdigest()
    (config / "contexts/meta" / key / "meta.json").write_text(text)
    with pytest.raises(EngineError, match=r"the context 'work' .* cannot be read"):
        find_endpoint(None, "work", {"DOCKER_CONFIG": str(config)})


def test_tls_of_a_context_and_of_the_environment(config: Path, tmp_path: Path) -> None:
    folder = make_context(config, "tls", {"Host": "tcp://box", "SkipTLSVerify": False})
    environ = {"DOCKER_CONFIG": str(config)}
    assert find_endpoint(None, "tls", environ).tls is None
    folder.mkdir(parents=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("")
    found = find_endpoint(None, "tls", environ)
    assert found.host == "tcp://box:2376"
    assert found.tls is not None
    assert (found.tls.verify, found.tls.cert) == (True, (str(folder / "cert.pem"), str(folder / "key.pem")))
    (folder / "key.pem").unlink()
    with pytest.raises(EngineError, match=r'TLS for the engine of context "tls": there is no key.pem'):
        find_endpoint(None, "tls", environ)

    make_context(config, "lax", {"Host": "tcp://box:99", "SkipTLSVerify": True})
    lax = find_endpoint(None, "lax", environ).tls
    assert lax is not None
    assert lax.verify is False

    environ |= {"DOCKER_CERT_PATH": str(folder), "DOCKER_TLS_VERIFY": "1"}
    assert find_endpoint("unix:///h.sock", None, environ).tls is None  # nothing to protect there
    (folder / "key.pem").write_text("")
    from_env = find_endpoint("tcp://box", None, environ).tls
    assert from_env is not None
    assert from_env.ca_cert == str(folder / "ca.pem")


def test_a_context_is_really_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with replay("podman-4.3") as engine:
        make_context(tmp_path, "played", {"Host": engine.host})
        with connect(context="played") as conn:
            assert conn.engine.host == engine.host
            assert conn.engine.kind == "podman"


def test_headers_of_the_configuration_are_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{"HttpHeaders": {"X-Team": "layers"}}')
    with replay("podman-4.3") as engine, connect(engine.host) as conn:
        conn.ask("/info", "its facts")
        assert engine.headers[-1]["X-Team"] == "layers"


# docker's own rules for TLS (cli/flags/options.go)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    folder = tmp_path / "certificates"
    folder.mkdir()
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("")
    return folder


@pytest.mark.parametrize(
    ("environ", "tls", "host"),
    [
        ({"DOCKER_CERT_PATH": "here"}, None, "tcp://box:2375"),
        ({"DOCKER_TLS": "1"}, False, "tcp://box:2376"),
        ({"DOCKER_TLS": "0"}, False, "tcp://box:2376"),
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "here"}, True, "tcp://box:2376"),
        ({"DOCKER_TLS_VERIFY": "0", "DOCKER_CERT_PATH": "here"}, True, "tcp://box:2376"),
        ({"DOCKER_TLS_VERIFY": "", "DOCKER_TLS": "", "DOCKER_CERT_PATH": "here"}, None, "tcp://box:2375"),
    ],
)
def test_tls_of_the_environment_is_read_as_docker_reads_it(
    config: Path, certificates: Path, environ: dict[str, str], tls: bool | None, host: str
) -> None:
    environ = {name: str(certificates) if value == "here" else value for name, value in environ.items()}
    found = find_endpoint("tcp://box", None, {"DOCKER_CONFIG": str(config), **environ})
    assert found.host == host
    assert (found.tls.verify if found.tls else None) is tls


def test_a_certificate_of_ones_own_is_not_needed_but_a_whole_one_is(config: Path, certificates: Path) -> None:
    environ = {"DOCKER_CONFIG": str(config), "DOCKER_CERT_PATH": str(certificates), "DOCKER_TLS_VERIFY": "1"}
    (certificates / "key.pem").unlink()
    with pytest.raises(EngineError, match=r"there is no key\.pem"):
        find_endpoint("tcp://box", None, environ)
    (certificates / "cert.pem").unlink()
    found = find_endpoint("tcp://box", None, environ).tls
    assert found is not None
    assert found.cert is None
    (certificates / "ca.pem").unlink()
    with pytest.raises(EngineError, match=r"there is no ca\.pem"):
        find_endpoint("tcp://box", None, environ)


# config.json: what docker takes, we take


CONFIGS: dict[str, tuple[object, str]] = {
    "auth-empty": ({"auths": {"r.io": {"auth": ""}}}, ""),
    "auth-latin1": ({"auths": {"r.io": {"auth": "dXPpcjpw"}}}, ""),
    "auth-no-colon": ({"auths": {"r.io": {"auth": "dXNlcg=="}}}, ""),
    "auth-not-base64": ({"auths": {"r.io": {"auth": "!!!"}}}, ""),
    "auth-null": ({"auths": {"r.io": None}}, ""),
    "auth-unpadded": ({"auths": {"r.io": {"auth": "dXNlcjpwYXNzdw"}}}, ""),
    "header-number": ({"HttpHeaders": {"X-Meta": 5, "X-Team": "layers"}}, "the entry 'X-Meta' of HttpHeaders"),
    "header-newline": ({"HttpHeaders": {"X-Meta": "a\r\nb: c"}}, "the entry 'X-Meta' of HttpHeaders"),
    "header-name": ({"HttpHeaders": {"X Meta": "a"}}, "the entry 'X Meta' of HttpHeaders"),
    "headers-list": ({"HttpHeaders": ["X"]}, "HttpHeaders is not an object"),
    "list": ([1], "it holds no JSON object"),
    "null": (None, ""),
    "context-number": ({"currentContext": 5}, "currentContext is not a text"),
    "proxies-default-null": ({"proxies": {"default": None}}, ""),
    "proxies-null": ({"proxies": None}, ""),
    "proxies-string": ({"proxies": "x"}, ""),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_that_docker_takes_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    document, warning = CONFIGS[name]
    (tmp_path / "config.json").write_text(json.dumps(document))
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    with replay("podman-4.3") as engine:
        monkeypatch.setenv("DOCKER_HOST", "" if name == "context-number" else engine.host)
        endpoint = find_endpoint()
        with connect(engine.host) as conn:
            assert conn.engine.kind == "podman"
        sent = engine.headers[-1]
    assert ("X-Team" in sent, "X-Meta" in sent) == (name == "header-number", False)
    if not warning:
        assert endpoint.warnings == ()
    else:
        (line,) = endpoint.warnings
        assert line.startswith(f"{tmp_path}/config.json: ")
        assert warning in line


@pytest.mark.parametrize("which", ["config.json", "meta.json"])
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nested", "nested too deeply"),
        ("pipe", "not a regular file"),
        ("device", "not a regular file"),
        ("folder", "it is a folder"),
        ("long", "longer than 1,048,576 bytes"),
        ("latin1", "utf-8"),
    ],
)
def test_files_that_have_no_end_or_no_sense_are_one_line(config: Path, which: str, kind: str, words: str) -> None:
    key = hashlib.sha256(b"work").hexdigest()
    path = config / "config.json" if which == "config.json" else config / "contexts/meta" / key / "meta.json"
    path.unlink()
    match kind:
        case "nested":
            path.write_text("[" * 200_000)
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "long":
            path.write_bytes(b" " * (1 << 20) + b"{}")
        case "latin1":
            path.write_bytes(b'{"a": "\xff"}')
    environ = {"DOCKER_CONFIG": str(config)}
    if which == "config.json":
        (line,) = find_endpoint(None, None, environ).warnings
    else:
        with pytest.raises(EngineError) as caught:
            find_endpoint(None, "work", environ)
        line = str(caught.value)
    assert words in line
    assert str(path) in line


# secrets in addresses


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("tcp://bob:hunter2@box:1", "tcp://bob:***@box:1"),
        ("ssh://bob:hunter2@box", "ssh://bob:***@box"),
        ("ssh://bob@box", "ssh://bob@box"),
        ("https://hunter2@box:1", "https://***@box:1"),
        ("https://box:1/x?token=hunter2&user=hunter2#hunter2", "https://box:1/x?token=***&user=***#hunter2"),
        ("https://box:1/?hunter2", "https://box:1/?***"),
        ("socks5://a:hunter2@b", "socks5://a:***@b"),
        ("no permission to use tcp://bob:hun@ter@box:1 (--host)", "no permission to use tcp://bob:***@box:1 (--host)"),
        ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
        ("not an address: a:b@c?d=e", "not an address: a:b@c?d=e"),
    ],
)
def test_what_is_secret_in_an_address_is_not_shown(address: str, shown: str) -> None:
    assert mask_address(address) == shown
    assert mask_address(shown) == shown
    assert Endpoint(address, "--host").shown == shown
    assert str(EngineError(address, address)) == f"{shown}; {shown}"


@pytest.mark.parametrize(
    "host",
    [
        "tcp://bob:hunter2@127.0.0.1:1",
        "https://127.0.0.1:1/?token=hunter2",
        "ssh://bob:hunter2@127.0.0.1:1",
        "x://a:hunter2@b",
    ],
)
def test_a_password_is_in_no_error(host: str) -> None:
    with pytest.raises(EngineError) as caught:
        connect(host)
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value) or "x://" in str(caught.value)
