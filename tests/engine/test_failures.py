"""Everything that can be wrong with an engine: one clean line each, with the cause and the next step."""

from __future__ import annotations

import copy
import os
import re
import socket
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from layerscope.engine import elsewhere, explain
from layerscope.engine.connect import connect
from layerscope.engine.early import UnixSocket
from layerscope.engine.endpoint import Endpoint
from layerscope.engine.errors import EngineError
from layerscope.engine.limits import OTHER
from layerscope.engine.scan import scan
from layerscope.engine.usage import disk_usage
from layerscope.engine.wire import Wire
from tests.replay import load_recording, replay

NAME = "docker-28.5-overlay2"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's own: no context, no certificates, no other engine on the machine."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(elsewhere, "other_sockets", list)


def failure(host: str | None = None, *, timeout: float = 5.0, work: Callable[..., object] = scan) -> EngineError:
    """Return the error of connecting and scanning, after checking that it is fit for a person."""
    with pytest.raises(EngineError) as caught, connect(host, timeout=timeout) as conn:
        work(conn)
    check(caught.value)
    return caught.value


def check(error: EngineError) -> None:
    text = str(error)
    assert text.isprintable()
    assert error.cause
    assert error.hint
    assert text == f"{error.cause}; {error.hint}"
    assert len(text) < 1300
    assert not re.search(r"Error\(|Exception|Traceback|object at 0x|HTTPConnectionPool|None", text), text


# no engine


def test_no_socket(tmp_path: Path) -> None:
    error = failure(f"unix://{tmp_path}/docker.sock")
    assert f"there is no engine socket at {tmp_path}/docker.sock" in error.cause
    assert "start the engine" in error.hint


def test_no_default_socket_names_engines_that_answer_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("layerscope.engine.endpoint.DEFAULT_HOST", f"unix://{tmp_path}/default.sock")
    (tmp_path / "podman").mkdir()
    with listener(tmp_path / "docker.sock"), listener(tmp_path / "podman/podman.sock"):
        error = failure()
    assert f"no engine socket at {tmp_path}/default.sock (the default socket)" in error.cause
    assert f"--host unix://{tmp_path}/docker.sock" in error.hint
    assert f"--host unix://{tmp_path}/podman/podman.sock" in error.hint


def test_a_socket_that_nobody_listens_on(tmp_path: Path) -> None:
    path = tmp_path / "left-behind.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    error = failure(f"unix://{path}")
    assert f"nobody listens at {path}" in error.cause
    assert "start the engine" in error.hint


def test_a_file_that_is_no_socket(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "nobody listens at" in failure(f"unix://{tmp_path}/file").cause


def test_no_one_on_a_port() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert "nobody listens at tcp://127.0.0.1" in failure(f"tcp://127.0.0.1:{sock.getsockname()[1]}").cause


def test_a_name_that_does_not_resolve() -> None:
    assert "cannot be resolved" in failure("tcp://no-such-host.invalid").cause


@pytest.mark.skipif(sys.platform != "linux", reason="uses fork")
def test_no_permission_names_the_group_to_join(tmp_path: Path) -> None:
    folder = Path("/tmp", f"lsp-{os.getpid()}")
    folder.mkdir()
    folder.chmod(0o755)
    path = folder / "docker.sock"
    try:
        with listener(path):
            path.chmod(0o060)
            if os.geteuid() == 0:
                os.chown(path, 0, 1)  # group "daemon", everywhere
            text = as_nobody(lambda: connect(f"unix://{path}"))
    finally:
        path.unlink(missing_ok=True)
        folder.rmdir()
    assert f"no permission to use {path} (--host); " in text
    if os.geteuid() == 0:
        assert 'join the group "daemon" (`sudo usermod -aG daemon nobody`), then log in again' in text


def as_nobody(work: Callable[[], object]) -> str:
    """Return the error of doing it without root's rights, from a child process."""
    read, write = os.pipe()
    if os.fork() == 0:
        text = "no error"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            os.environ |= {
                "DOCKER_CONFIG": "/nonexistent",
                "HOME": "/nonexistent",
                "USER": "nobody",
                "LOGNAME": "nobody",
            }
            work()
        except BaseException as error:
            text = str(error)
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    os.wait()
    return text


@pytest.mark.parametrize(
    "host",
    [
        "foo://x",
        "tcp://",
        "unix:",
        "docker.sock",
        "tcp://host:port",
        "unix:///a?b=c",
        "fd://3",
        "tcp://[::1",
        "ssh://a/b",
    ],
)
def test_what_is_no_address(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    assert "DOCKER_HOST is not the address of an engine" in failure().cause


def test_a_path_is_told_how_to_become_an_address() -> None:
    assert failure("/var/run/x.sock").hint == "write it as unix:///var/run/x.sock"


# not an engine


@contextmanager
def listener(path: Path, answer: bytes = b"") -> Iterator[str]:
    """Answer every connection on a Unix socket with the same bytes, once something was asked, and close it."""
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen(8)

    def serve() -> None:
        while True:
            try:
                client, _ = sock.accept()
            except OSError:
                return
            with client:
                try:
                    client.settimeout(1)
                    client.recv(65536)
                    client.sendall(answer)
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"unix://{path}"
    finally:
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()


def page(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.mark.parametrize(
    "answer",
    [
        page(b"<html>It works!</html>"),
        page(b"<html>nothing here</html>", "404 Not Found"),
        page(b'{"message":"page not found"}', "404 Not Found"),
        page(b""),
        page(b"null"),
        page(b"[]"),
        page(b'"text"'),
        page(b'{"hello":"world"}'),
        page(b'{"ApiVersion":141}'),
        page(b'{"ApiVersion":"new"}'),
        page(b"\xff\xfe"),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail ESMTP\r\n",
        b"\0\1\2\3",
    ],
)
def test_something_else_answers(tmp_path: Path, answer: bytes) -> None:
    with listener(tmp_path / "other.sock", answer) as host:
        error = failure(host)
    assert "is not a Docker API" in error.cause
    assert "--host" in error.hint


def test_something_hangs_up(tmp_path: Path) -> None:
    with listener(tmp_path / "mute.sock") as host:
        assert "closed the connection without an answer" in failure(host).cause


# an engine that cannot be used


@pytest.mark.parametrize("version", ["1.12", "1.24", "1.39"])
def test_an_old_api(version: str) -> None:
    recording = copy.deepcopy(load_recording(NAME))
    recording["version"]["ApiVersion"] = version
    with replay(recording) as engine:
        error = failure(engine.host)
    assert "API too old" in error.cause
    assert "1.40" in error.hint


@pytest.mark.parametrize("version", ["1.40", "1.99", "2.0"])
def test_the_oldest_and_newer_apis(version: str) -> None:
    recording = copy.deepcopy(load_recording(NAME))
    recording["version"]["ApiVersion"] = version
    with replay(recording) as engine, connect(engine.host) as conn:
        assert len(scan(conn).images) == 51
        assert conn.engine.api_version == version


def test_a_chosen_api_version(monkeypatch: pytest.MonkeyPatch) -> None:
    with replay(NAME) as engine:
        monkeypatch.setenv("DOCKER_API_VERSION", "1.44")
        with connect(engine.host) as conn:
            scan(conn)
        assert all(path.startswith("/v1.44/") for path in engine.requests if path != "/version")
        monkeypatch.setenv("DOCKER_API_VERSION", "1.30")
        assert "API too old" in failure(engine.host).cause
        monkeypatch.setenv("DOCKER_API_VERSION", "latest")
        assert "DOCKER_API_VERSION is 'latest'" in failure(engine.host).cause


NASTY = "\x1b[31mno\x1b[0m\n\x1b]0;pwned\x07 \u202e" + "x" * 100_000


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        ("/info", (500, {"message": "boom"}), "refused to give its own facts (500): boom"),
        ("/images/json", (500, {"message": "boom"}), "refused to give the list of images (500): boom"),
        ("/containers/json", (500, b"plain words"), "refused to give the list of containers (500): plain words"),
        ("/images/json", (403, {"message": "authorization denied by plugin"}), "refuses access: authorization denied"),
        ("/images/json", (400, {"message": "client version 1.51 is too new"}), "refuses this API version"),
        ("/images/json", (500, {"message": NASTY}), "refused to give the list of images (500): ␛[31mno"),
        ("/images/json", (500, {"message": None}), "refused to give the list of images (500)"),
        ("/images/json", None, "null where a list of images belongs"),
        ("/images/json", {"images": []}, "answered an object where a list of images belongs"),
        ("/containers/json", None, "null where a list of containers belongs"),
        ("/images/json", [{"Size": 1}], "a list of images with an entry that has no Id"),
        ("/containers/json", [None], "a list of containers with an entry that has no Id"),
        ("/images/json", b"<html>", "answered /images/json with something that is not JSON"),
        ("/info", [], "is not a Docker API"),
        ("/images/.*/json", b"[[[[[", "with something that is not JSON (after"),
        ("/images/.*/history", b"[" * 100_000, "with something that is not JSON (after"),
    ],
)
def test_answers_that_cannot_be_used(path: str, answer: object, words: str) -> None:
    with replay(NAME, replace={path: answer}) as engine:
        assert words in failure(engine.host).cause


@pytest.mark.parametrize("path", ["/version", "/info", "/images/json", "/images/.*/json", "/containers"])
def test_answers_that_end_in_the_middle(path: str) -> None:
    with replay(NAME, truncate=path) as engine:
        assert "was cut off" in failure(engine.host).cause


@pytest.mark.parametrize("path", ["/version", "/info", "/images/.*/history"])
def test_an_engine_that_does_not_answer(path: str) -> None:
    with replay(NAME, hang=path) as engine:
        assert "does not answer in time" in failure(engine.host, timeout=0.3).cause


@pytest.mark.parametrize("after", [0, 1, 3, 20, 100])
def test_an_engine_that_dies(after: int) -> None:
    with replay(NAME, die_after=after) as engine:
        error = failure(engine.host)
    assert re.search("closed the connection|nobody listens", error.cause)
    if after >= 20:
        done = re.search(r"\(after (\d+) of 51 images\)", error.cause)
        assert done
        assert 0 < int(done[1]) <= after // 2


def test_usage_of_an_engine_that_is_busy_with_it() -> None:
    busy = {"message": "a disk usage operation is already running"}
    with replay(NAME, replace={"/system/df": (500, busy)}) as engine:
        assert "a disk usage operation is already running" in failure(engine.host, work=disk_usage).cause
    with replay(NAME, replace={"/system/df": b"[]"}) as engine:
        assert "in an unknown form" in failure(engine.host, work=disk_usage).cause


# TLS and ssh


def test_certificates_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    error = failure("tcp://127.0.0.1:2376")
    assert f"TLS for the engine of --host: there is no ca.pem in {tmp_path}" in error.cause
    assert "DOCKER_CERT_PATH" in error.hint


def test_tls_with_something_that_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerscope.engine.elsewhere.answers", lambda _: False)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        error = failure(f"https://127.0.0.1:{server.getsockname()[1]}")
    assert "TLS with https://127.0.0.1" in error.cause
    assert "DOCKER_TLS_VERIFY" in error.hint


def test_an_engine_that_wants_tls(tmp_path: Path) -> None:
    answer = page(b"Client sent an HTTP request to an HTTPS server.\n", "400 Bad Request")
    with listener(tmp_path / "tls.sock", answer) as host:
        error = failure(host)
    assert "wants TLS" in error.cause
    assert "DOCKER_TLS_VERIFY=1" in error.hint


def test_ssh_that_does_not_get_through() -> None:
    error = failure("ssh://nobody@127.0.0.1:1")
    assert "ssh" in error.cause
    assert "paramiko" in error.cause or "docker version" in error.hint


def test_the_folder_of_a_socket_that_may_not_be_entered(tmp_path: Path) -> None:
    assert stat.S_ISDIR(tmp_path.stat().st_mode)
    (tmp_path / "file").write_text("")
    assert "there is no engine socket at" in failure(f"unix://{tmp_path}/file/docker.sock").cause


def test_a_closed_connection_says_so() -> None:
    with replay(NAME) as engine:
        conn = connect(engine.host)
        conn.close()
        with pytest.raises(EngineError, match="closed"):
            scan(conn)


def test_an_engine_that_is_gone_after_a_first_answer(tmp_path: Path) -> None:
    """The question asked again, once the kept connection turns out to be closed, is the one that tells why."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        wire = Wire(lambda: UnixSocket(str(path)), {})

        def answer_once() -> None:
            client, _ = server.accept()
            with client:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            server.close()

        thread = threading.Thread(target=answer_once, daemon=True)
        thread.start()
        assert wire.ask("GET", "/first", OTHER, 5.0) == (200, b"{}")
        thread.join(60)
        with pytest.raises(ConnectionRefusedError) as caught:
            wire.ask("GET", "/second", OTHER, 5.0)
        error = explain.explain(caught.value, Endpoint(f"unix://{path}", "--host"))
        assert error.cause == f"nobody listens at {path} (--host)"
