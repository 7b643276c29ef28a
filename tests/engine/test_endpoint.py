"""Which engine is meant: the same answer as the ``docker`` command gives."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from docker.tls import TLSConfig

from layerscope.engine.connect import Client, connect
from layerscope.engine.endpoint import DEFAULT_HOST, find_endpoint
from layerscope.engine.errors import EngineError, UsageError
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
    with pytest.raises(EngineError) as caught:
        find_endpoint(None, "wrok" if how == "--context" else None, environ)
    assert str(caught.value) == f"there is no context 'wrok' ({how}); contexts that exist: default, home, work"


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


def test_the_engines_own_ca_is_trusted_whatever_requests_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """docker-py alone would verify the engine against REQUESTS_CA_BUNDLE, and fail."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    (tmp_path / "ca.pem").write_text("")
    tls = TLSConfig(ca_cert=str(tmp_path / "ca.pem"), verify=True)
    with Client(base_url="tcp://box:2376", version="1.41", tls=tls) as client:
        settings = client.merge_environment_settings("https://box:2376/info", {}, False, None, None)
    assert settings["verify"] == str(tmp_path / "ca.pem")


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
