"""Ways to a real registry: a CA of one's own by certs.d, a client's certificate, a proxy, a mirror of Docker Hub."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from layerscope.cli import cli
from layerscope.inventory import Inventory
from layerscope.sources.scanfile import save_inventory
from tests.engine.private import PrivateEngine
from tests.engine.private import why_not as why_no_engine
from tests.hosts import ENGINE
from tests.registry.layouts import Layer, config_of, push, tar, words, write_layout
from tests.registry.private import PrivateRegistry, why_not
from tests.registry.pulls import Engine

pytestmark = pytest.mark.engine

LAYERS = (Layer(tar({"a": words(300_000, 1)})), Layer(tar({"b": words(200_000, 2)})))
NAME = "registry.test:5443"
"""A name that only the proxy knows."""


class Proxy:
    """A tiny proxy that knows one name: CONNECT, and plain requests that name a whole address."""

    def __init__(self, name: str, target: str) -> None:
        self.name, self.target = name, target
        self.asked: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := client.recv(65536)):
                return
            head += data
        method, where, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        self.asked.append(f"{method} {where}")
        if method == "CONNECT":
            if where != self.name:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                client.close()
                return
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            head = b""
        else:
            head = head.replace(f"http://{self.name}".encode(), b"", 1)
        address, _, port = self.target.partition(":")
        with socket.create_connection((address, int(port))) as server:
            server.sendall(head)
            back = threading.Thread(target=_pass, args=(server, client), daemon=True)
            back.start()
            _pass(client, server)
            back.join()


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if reason := why_not():
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(f"LAYERSCOPE_REQUIRE_ENGINE=1, and there is no registry: {reason}")
        pytest.skip(reason)
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    save_inventory(Inventory(ENGINE, ()), tmp_path / "scan.json")
    return tmp_path


def cost(home: Path, *args: str) -> Result:
    return CliRunner().invoke(cli, ["-f", str(home / "scan.json"), "pull-cost", *args])


def filled(registry: PrivateRegistry, *options: str, name: str = "shop/api:1") -> None:
    write_layout(registry.folder / "image", {"amd64": (LAYERS, config_of(LAYERS))})
    push(registry.folder / "image", f"{registry.host}/{name}", *options)


@pytest.fixture
def ca(home: Path) -> trustme.CA:
    ca = trustme.CA()
    server = ca.issue_cert("registry.test", "127.0.0.1")
    server.private_key_pem.write_to_path(str(home / "server.key"))
    for number, blob in enumerate(server.cert_chain_pems):
        blob.write_to_path(str(home / "server.crt"), append=number > 0)
    ca.cert_pem.write_to_path(str(home / "ca.crt"))
    return ca


def certificates(home: Path) -> Path:
    folder = home / "XDG_CONFIG_HOME/docker/certs.d" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_ca_of_ones_own_is_trusted_by_certs_d_through_a_proxy(
    home: Path, ca: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PrivateRegistry(certificate=str(home / "server.crt"), key=str(home / "server.key")) as registry:
        filled(registry, "--dest-tls-verify=false", "--preserve-digests")
        with Proxy(NAME, registry.host) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            untrusted = cost(home, f"{NAME}/shop/api:1")
            assert untrusted.exit_code == 3
            assert f"put its CA into /etc/docker/certs.d/{NAME}/ca.crt" in untrusted.stderr
            assert untrusted.stderr.count("\n") == 1
            ca.cert_pem.write_to_path(str(certificates(home) / "ca.crt"))
            result = cost(home, "--json", f"{NAME}/shop/api:1")
            assert result.exit_code == 0, result.stderr
            assert len(json.loads(result.stdout)["images"][0]["layers"]) == 2
            assert set(proxy.asked) == {f"CONNECT {NAME}"}, "nothing but tunnels went through it"


def test_a_registry_that_wants_a_certificate_gets_that_of_certs_d(
    home: Path, ca: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "certificate": str(home / "server.crt"),
        "key": str(home / "server.key"),
        "client_ca": str(home / "ca.crt"),
    }
    mine = ca.issue_cert("me@corp.test")
    folder = certificates(home)
    ca.cert_pem.write_to_path(str(folder / "ca.crt"))
    with PrivateRegistry(**files) as registry, Proxy(NAME, registry.host) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        without = cost(home, f"{NAME}/shop/api:1")
        assert without.exit_code == 3
        mine.private_key_pem.write_to_path(str(folder / "client.key"))
        mine.cert_chain_pems[0].write_to_path(str(folder / "client.cert"))
        result = cost(home, f"{NAME}/shop/api:1")
        assert result.exit_code == 2, "it is let in, and told that there is no such image"
        assert f"{NAME} has no {NAME}/shop/api:1" in result.stderr


def test_certificates_that_cannot_be_read_are_a_line(home: Path) -> None:
    (certificates(home) / "ca.crt").write_text("no certificate")
    result = cost(home, f"{NAME}/shop/api:1")
    assert result.exit_code == 3
    assert "mend or remove these certificates" in result.stderr
    assert result.stderr.count("\n") == 1


def test_plain_http_goes_through_a_proxy_and_no_proxy_goes_round_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PrivateRegistry() as registry:
        filled(registry)
        with Proxy(NAME, registry.host) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            result = cost(home, "--insecure", NAME, f"{NAME}/shop/api:1")
            assert result.exit_code == 0, result.stderr
            assert proxy.asked[0].startswith(f"GET http://{NAME}/v2/")
            proxy.asked.clear()
            monkeypatch.setenv("no_proxy", "registry.test")
            assert cost(home, "--insecure", NAME, f"{NAME}/shop/api:1").exit_code == 3, "nobody else knows the name"
            assert cost(home, f"{registry.host}/shop/api:1").exit_code == 0
            assert proxy.asked == [], "nor does loopback go through it"


# -- a mirror -----------------------------------------------------------------------------


@pytest.fixture
def mirror(home: Path) -> Iterator[PrivateRegistry]:
    with PrivateRegistry() as registry:
        filled(registry, name="library/tiny:1")
        yield registry


def test_the_mirror_of_an_engine_is_asked_in_place_of_docker_hub(
    home: Path, mirror: PrivateRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := why_no_engine():
        pytest.skip(reason)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # whoever asks Docker Hub itself is not answered
    with PrivateEngine(mirror=f"http://{mirror.host}") as private:
        engine = Engine(private.host)
        mark = mirror.mark()
        result = CliRunner().invoke(cli, ["--host", private.host, "pull-cost", "--json", "tiny:1"])
        assert result.exit_code == 0, result.stderr
        said = json.loads(result.stdout)["images"][0]
        assert {path.partition("/manifests/")[0] for _, path, *_ in mirror.requests(mark) if "/manifests/" in path} == {
            "library/tiny"
        }
        mark = mirror.mark()
        engine.api.pull("tiny", "1")
        came = mirror.fetched(mark)
        assert said["download_bytes"]["min"] <= came <= said["download_bytes"]["max"]
        assert came > 100_000, "the engine took it from the mirror too"
        result = CliRunner().invoke(cli, ["--host", private.host, "pull-cost", "absent:1"])
        assert result.exit_code == 3, "what the mirror lacks is asked for at Docker Hub"
        assert "registry-1.docker.io cannot be reached" in result.stderr
