"""Logging in: against a token server, with a password, through a helper, with what is no longer good."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from layerscope.registry.auth import challenges
from layerscope.registry.client import RegistryClient
from layerscope.registry.credentials import Login, find_login
from layerscope.registry.errors import RegistryError
from layerscope.registry.policy import Policy
from layerscope.registry.reference import HUB, parse_reference
from layerscope.registry.transport import Transport
from tests.registry.fake import BODY, Images, Reply, Request, Server, TokenServer, basic
from tests.registry.layouts import digest_of

AUTH = base64.b64encode(b"ann:se:cret").decode()


def config(tmp_path: Path, **content: object) -> tuple[Path, ...]:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(content))
    return (path,)


def digest(host: str, logins: tuple[Path, ...] = ()) -> str:
    with Transport(Policy()) as transport:
        return RegistryClient(transport, logins=logins).digest(parse_reference(f"{host}/shop/api:1"))


def test_a_token_is_fetched_once_and_used_again(tmp_path: Path) -> None:
    tokens = TokenServer(Images(), login=basic("ann", "se:cret"))
    with Server(tokens) as server, Transport(Policy()) as transport:
        tokens.realm = f"http://{server.host}/token"
        client = RegistryClient(transport, logins=config(tmp_path, auths={server.host: {"auth": AUTH}}))
        reference = parse_reference(f"{server.host}/shop/api:1")
        assert client.digest(reference) == client.digest(reference) == digest_of(BODY)
    asked = [request for request in server.asked if request.path.startswith("/token")]
    assert len(asked) == 1
    assert "service=reg%2C+one&scope=repository%3Ashop%2Fapi%3Apull" in asked[0].path


def test_an_expired_token_is_renewed() -> None:
    tokens = TokenServer(Images(), lasts=1)
    with Server(tokens) as server, Transport(Policy()) as transport:
        tokens.realm = f"http://{server.host}/token"
        client = RegistryClient(transport)
        reference = parse_reference(f"{server.host}/shop/api:1")
        for _ in range(3):
            assert client.digest(reference) == digest_of(BODY)
    assert len(tokens.given) == 3


def test_a_token_near_its_end_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = TokenServer(Images(), says={"expires_in": 30})
    with Server(tokens) as server, Transport(Policy()) as transport:
        tokens.realm = f"http://{server.host}/token"
        now = [1000.0]
        transport.clock.now = lambda: now[0]
        client = RegistryClient(transport)
        reference = parse_reference(f"{server.host}/shop/api:1")
        for at in (1000.0, 1015.0, 1025.0):
            now[0] = at
            client.digest(reference)
    assert len(tokens.given) == 2


def test_an_identity_token_is_changed_for_a_token(tmp_path: Path) -> None:
    tokens = TokenServer(Images(), login="nobody gets in with a password", refresh="r-e-f")
    with Server(tokens) as server:
        tokens.realm = f"http://{server.host}/token"
        assert digest(server.host, config(tmp_path, auths={server.host: {"identitytoken": "r-e-f"}}))


def test_a_password_is_sent_only_when_it_is_asked_for(tmp_path: Path) -> None:
    images = Images()

    def answer(request: Request) -> Reply:
        if request.path != "/v2/" and request.headers.get("authorization") != basic("ann", "se:cret"):
            return Reply(401, b"{}", {"WWW-Authenticate": 'Basic realm="here"'})
        return images(request)

    with Server(answer) as server:
        assert digest(server.host, config(tmp_path, auths={server.host: {"auth": AUTH}})) == digest_of(BODY)
        assert [("authorization" in request.headers) for request in server.asked] == [False, False, True]


@pytest.mark.parametrize("kind", ["token", "basic"])
def test_without_a_login_the_command_is_named_and_with_a_bad_one_too(tmp_path: Path, kind: str) -> None:
    tokens = TokenServer(Images(), login=basic("ann", "another"))

    def answer(request: Request) -> Reply:
        if kind == "token":
            return tokens(request)
        return Reply(401, b"{}", {"WWW-Authenticate": "Basic"})

    with Server(answer) as server:
        tokens.realm = f"http://{server.host}/token"
        with pytest.raises(RegistryError, match=f"wants a login.*; run `docker login {server.host}`") as caught:
            digest(server.host)
        assert not caught.value.wrong_use
        with pytest.raises(RegistryError, match="does not accept the login that is stored"):
            digest(server.host, config(tmp_path, auths={server.host: {"auth": AUTH}}))


def test_what_authorizes_goes_to_no_other_host(tmp_path: Path) -> None:
    images = Images()
    with Server(images) as other:

        def answer(request: Request) -> Reply:
            if request.path == "/v2/":
                return Reply()
            if request.headers.get("authorization") != basic("ann", "se:cret"):
                return Reply(401, b"{}", {"WWW-Authenticate": "Basic"})
            return Reply(307, headers={"Location": f"http://{other.host}{request.path}"})

        with Server(answer) as server:
            assert digest(server.host, config(tmp_path, auths={server.host: {"auth": AUTH}})) == digest_of(BODY)
    assert other.asked
    assert all("authorization" not in request.headers for request in other.asked)


def test_a_host_that_is_redirected_to_gets_no_login_by_asking_for_it(tmp_path: Path) -> None:
    def thief(request: Request) -> Reply:
        return Reply(401, b"{}", {"WWW-Authenticate": f'Bearer realm="http://{other.host}/token",service="x"'})

    with Server(thief) as other:

        def answer(request: Request) -> Reply:
            return Reply() if request.path == "/v2/" else Reply(302, headers={"Location": f"http://{other.host}/x"})

        with Server(answer) as server:
            logins = config(tmp_path, auths={server.host: {"auth": AUTH}, other.host: {"auth": AUTH}})
            with pytest.raises(RegistryError, match="to where"):
                digest(server.host, logins)
    assert [request.path for request in other.asked] == ["/x"]


def test_a_login_is_not_sent_to_a_token_server_without_tls(tmp_path: Path) -> None:
    from layerscope.registry.auth import Authorizer
    from layerscope.registry.transport import Response

    files = config(tmp_path, auths={"r.corp": {"auth": AUTH}})
    refused = Response(401, {"www-authenticate": 'Bearer realm="http://tokens.corp/t"'}, b"")
    with Transport(Policy()) as transport, pytest.raises(RegistryError, match="without TLS"):
        Authorizer(transport, files).answer("https://r.corp", "r.corp", "s", refused, "")
    assert transport.requests == 0


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (
            'Bearer realm="a",service="b, c",scope="x:y:pull,push"',
            [("bearer", {"realm": "a", "service": "b, c", "scope": "x:y:pull,push"})],
        ),
        ('Basic realm="a", Bearer realm="b"', [("basic", {"realm": "a"}), ("bearer", {"realm": "b"})]),
        ('Bearer realm="a \\"b\\"",service=plain', [("bearer", {"realm": 'a "b"', "service": "plain"})]),
        ("Negotiate, Basic", [("negotiate", {}), ("basic", {})]),
        ("", []),
        ('="', []),
    ],
)
def test_challenges(header: str, found: list[tuple[str, dict[str, str]]]) -> None:
    assert challenges(header) == found


def test_a_challenge_of_any_length_is_read_in_no_time() -> None:
    assert len(challenges("Bearer " + 'a="\\' * 100_000)) <= 2000


# where logins are


def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str = "test") -> None:
    path = tmp_path / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")


def test_a_credential_helper_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """read server; echo "{\\"Username\\": \\"of $server\\", \\"Secret\\": \\"s\\"}" """
    helper(tmp_path, monkeypatch, script)
    files = config(tmp_path, credHelpers={"r.corp": "test"}, auths={"r.corp": {"auth": AUTH}, "s.corp": {"auth": AUTH}})
    found = find_login("r.corp", files)
    assert found is not None
    assert found.basic == basic("of r.corp", "s")
    assert "s'" not in repr(found).replace("user='of r.corp'", "")
    found = find_login("s.corp", files)
    assert found is not None
    assert found.basic == basic("ann", "se:cret")


def test_a_store_gives_identity_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(tmp_path, monkeypatch, """echo '{"Username": "<token>", "Secret": "id"}'""")
    found = find_login(HUB, config(tmp_path, credsStore="test"))
    assert found is not None
    assert found.identity_token == "id"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo locked; exit 1", "docker-credential-test failed: locked"),
        ("exit 1", "docker-credential-test failed: no reason"),
        ("echo nonsense", "docker-credential-test gave no JSON"),
        (None, "docker-credential-test is not installed; install it"),
    ],
)
def test_a_helper_that_fails_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, says: str
) -> None:
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    if script is not None:
        helper(tmp_path, monkeypatch, script)
    with pytest.raises(RegistryError, match=says):
        find_login("r.corp", config(tmp_path, credsStore="test"))


def test_a_helper_that_has_nothing_is_no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(tmp_path, monkeypatch, "echo credentials not found in native keychain; exit 1")
    assert find_login("r.corp", config(tmp_path, credsStore="test")) is None


def test_a_helper_is_a_name_and_no_path(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="no credential helper"):
        find_login("r.corp", config(tmp_path, credsStore="../../tmp/evil"))


@pytest.mark.parametrize("key", ["r.corp", "https://r.corp", "https://r.corp/v1/", "http://r.corp/v2/"])
def test_keys_of_old_are_understood(tmp_path: Path, key: str) -> None:
    assert find_login("r.corp", config(tmp_path, auths={key: {"auth": AUTH}})) is not None


def test_docker_hub_has_a_key_of_its_own(tmp_path: Path) -> None:
    assert find_login(HUB, config(tmp_path, auths={"https://index.docker.io/v1/": {"auth": AUTH}})) is not None
    assert find_login(HUB, config(tmp_path, auths={"r.corp": {"auth": AUTH}})) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"auths": 3}',
        '{"auths": {"r.corp": null}}',
        '{"auths": {"r.corp": {"auth": "%%%"}}}',
        '{"credsStore": 7}',
        "[" * 100_000,
    ],
)
def test_a_config_that_cannot_be_used_has_no_logins(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert find_login("r.corp", (tmp_path / "config.json", tmp_path / "missing")) is None


def test_missing_padding_is_forgiven(tmp_path: Path) -> None:
    found = find_login(
        "r.corp", config(tmp_path, auths={"r.corp": {"auth": base64.b64encode(b"a:bc").decode().rstrip("=")}})
    )
    assert found is not None
    assert found.password == "bc"


def test_the_secrets_of_a_login_are_in_no_text_that_is_made_of_it() -> None:
    login = Login("somebody", "s3cret-1", "s3cret-2", "s3cret-3")
    for text in (repr(login), str(login), f"{login}", pretty_repr(login), pretty_repr({"login": [login]})):
        assert "somebody" in text
        assert "s3cret" not in text
