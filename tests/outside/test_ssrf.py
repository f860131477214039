"""No address of the inside is called, whatever it is written as: watched at a socket on loopback, not at the gate.

Whatever is not loopback is watched by pytest-socket, which fails a test that connects.
"""

import ssl
from pathlib import Path

import pytest
import requests
from pytest_socket import SocketConnectBlockedError

from outside.addresses import is_public, target_of
from outside.errors import OutsideError, RefusedAddress, RefusedRedirect, Unreachable
from outside.http import Fetcher, Limits, guarded_session
from tests.outside.server import Listener, answer, by_path, listening
from tests.outside.ssrf_table import DISGUISES, LITERALS, NAMES, SCHEMES


def names_only(host: str, _port: int) -> list[str]:
    """As the system does: text that is an address is its own answer."""
    return NAMES.get(host, [host])


@pytest.fixture(scope="module")
def inside() -> Listener:
    with listening(answer(b"secret of the inside")) as listener:
        yield listener


def fetcher(inside: Listener) -> Fetcher:
    return Fetcher(frozenset(), Limits(ports=frozenset({443, inside.port})), resolver=names_only)


@pytest.mark.parametrize("url", LITERALS + DISGUISES + SCHEMES + tuple(f"https://{name}:{{p}}/" for name in NAMES))
def test_an_address_of_the_inside_is_refused_before_any_connection(inside: Listener, url: str) -> None:
    before = inside.connections
    with pytest.raises(RefusedAddress):
        fetcher(inside).request("GET", url.replace("{p}", str(inside.port)))
    assert inside.connections == before


def test_the_table_is_as_long_as_it_says() -> None:
    assert len({*LITERALS, *DISGUISES, *SCHEMES, *NAMES}) >= 120


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost"])
def test_negative_control_the_bare_library_does_connect(inside: Listener, host: str) -> None:
    before = inside.connections
    assert requests.get(f"http://{host}:{inside.port}/", timeout=5).content == b"secret of the inside"
    assert inside.connections == before + 1


@pytest.mark.parametrize("port", ["22", "80", "8080", "65536", "https"])
def test_other_ports_are_refused(port: str) -> None:
    with pytest.raises(RefusedAddress):
        Fetcher(resolver=lambda _host, _port: ["93.184.216.34"]).request("GET", f"https://example.org:{port}/")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.org:8443/", "only https"),
        ("ftp://example.org:443/", "only https"),
        ("https://user@example.org/", "user or password"),
        ("https://user:word@example.org/", "user or password"),
        ("https://example.org:80/", "port not allowed"),
        ("https://example.org:0/", "port cannot be read"),
        ("https://example.org/\r\nX: y", "no address has"),
        ("https://ex\u00e4mple.org/", "no address has"),
        ("https://[2a00::1]x/", "no IPv6"),
        ("https://[2a00::1%25eth0]/", "zone ids"),
        ("https://8.8.8.010/", "disguise"),
        ("https://134744072/", "disguise"),
    ],
)
def test_each_rule_of_the_gate_refuses_by_itself_even_where_the_host_is_public(url: str, reason: str) -> None:
    with pytest.raises(RefusedAddress, match=reason):
        target_of(url, frozenset())


def test_what_passes_the_gate_is_exactly_what_is_called() -> None:
    target = target_of("https://Example.ORG.:8443/a;b?c=d#e", frozenset())
    assert (target.host, target.port, target.path, target.listed) == ("example.org", 8443, "/a;b?c=d", False)
    assert target_of("https://[2A00:0::1]/", frozenset()).origin == "https://[2a00::1]"
    assert target_of("http://[::1]:80/", frozenset({"[::1]:80"})).listed


def test_a_name_is_resolved_once_and_the_judged_address_is_the_one_called(inside: Listener) -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]]
    asked = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    before = inside.connections
    with pytest.raises((UserWarning, SocketConnectBlockedError), match=r"93\.184\.216\.34"):
        Fetcher(limits=Limits(ports=frozenset({inside.port})), resolver=rebinding).request(
            "GET", f"https://example.org:{inside.port}/"
        )
    assert asked == ["example.org"]
    assert inside.connections == before


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{p}/", "https://[::ffff:127.0.0.1]:{p}/", "https://user:w@example.org/", "file:///etc/passwd"],
)
def test_a_redirect_passes_the_same_gate(inside: Listener, url: str) -> None:
    with listening(answer(b"", f"Location: {url.replace('{p}', str(inside.port))}", status="302 Found")) as outer:
        before = inside.connections
        with pytest.raises(RefusedAddress):
            Fetcher(frozenset({outer.netloc}), Limits(ports=frozenset({inside.port}))).request(
                "GET", f"http://{outer.netloc}/"
            )
        assert (outer.connections, inside.connections) == (1, before)


def test_a_listed_host_may_be_private_and_plain_but_only_on_its_port(inside: Listener) -> None:
    with listening(answer(b"other")) as other:
        allowed = Fetcher(frozenset({inside.netloc}))
        assert allowed.request("GET", f"http://{inside.netloc}/").body == b"secret of the inside"
        with pytest.raises(RefusedAddress):
            allowed.request("GET", f"http://{other.netloc}/")
        assert other.connections == 0


def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    def hop(path: str) -> object:
        return answer(b"", f"Location: /{path}", status="302 Found")

    script = by_path(four=hop("three"), three=hop("two"), two=hop("one"), one=hop("root"), root=answer(b"there"))
    with listening(script) as listener:
        fetch = Fetcher(frozenset({listener.netloc}))
        came = fetch.request("GET", f"http://{listener.netloc}/three")
        assert (came.status, came.body, came.url) == (200, b"there", f"http://{listener.netloc}/root")
        with pytest.raises(RefusedRedirect):
            fetch.request("GET", f"http://{listener.netloc}/four")
        assert fetch.request("GET", f"http://{listener.netloc}/four", follow=False).status == 302


def test_no_credential_under_any_name_reaches_another_origin() -> None:
    with (
        listening(answer(b"stranger")) as stranger,
        listening(answer(b"", f"Location: http://{stranger.netloc}/x", status="307 Temporary Redirect")) as first,
    ):
        fetch = Fetcher(frozenset({stranger.netloc, first.netloc}))
        fetch.request(
            "GET",
            f"http://{first.netloc}/",
            headers={"X-Api-Key": "canary", "Cookie": "canary", "Authorization": "canary"},
            auth=("owner", "canary"),
        )
        assert b"canary" in first.requests[0]
        assert b"Authorization: Basic" in first.requests[0]
        assert b"canary" not in stranger.requests[0]
        assert b"uthorization" not in stranger.requests[0]


def test_a_redirect_on_the_same_origin_keeps_its_credentials() -> None:
    script = by_path(old=answer(b"", "Location: /new", status="301 Moved"), new=answer(b"yes"))
    with listening(script) as listener:
        Fetcher(frozenset({listener.netloc})).request("GET", f"http://{listener.netloc}/old", auth=("owner", "word"))
        assert b"Authorization: Basic" in listener.requests[1]


def test_digest_authentication_answers_no_stranger() -> None:
    challenge = answer(b"", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"', status="401 Unauthorized")
    with (
        listening(challenge) as stranger,
        listening(answer(b"", f"Location: http://{stranger.netloc}/", status="302 Found")) as first,
    ):
        session = guarded_session(frozenset({stranger.netloc, first.netloc}))
        came = session.get(f"http://{first.netloc}/", auth=requests.auth.HTTPDigestAuth("owner", "word"))
        assert came.status_code == 401
        assert [b"owner" in request for request in stranger.requests] == [False]


def test_a_change_does_not_move_to_another_origin() -> None:
    with (
        listening(answer()) as stranger,
        listening(answer(b"", f"Location: http://{stranger.netloc}/", status="307 Temporary Redirect")) as first,
    ):
        with pytest.raises(RefusedRedirect):
            Fetcher(frozenset({stranger.netloc, first.netloc})).request("POST", f"http://{first.netloc}/", body=b"code")
        assert stranger.connections == 0


def test_environment_proxies_and_netrc_play_no_part(
    inside: Listener, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login owner password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with listening(answer(b"proxied")) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.netloc}")
        came = Fetcher(frozenset({inside.netloc})).request("GET", f"http://{inside.netloc}/")
        assert (came.body, proxy.connections) == (b"secret of the inside", 0)
    assert b"uthorization" not in inside.requests[-1]


def test_errors_hold_no_part_of_an_address_that_could_be_secret(inside: Listener) -> None:
    for url in (
        "https://user:canary@example.org/",
        "https://127.0.0.1/canary?canary",
        "canary://canary/",
        "https://a b/canary",
    ):
        with pytest.raises(OutsideError) as caught:
            fetcher(inside).request("GET", url, headers={"X-Secret": "canary"}, auth=("owner", "canary"))
        assert "canary" not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
    with pytest.raises(OutsideError) as broken:
        fetcher(inside).request("GET", "https://example.org/", headers={"X-Secret": "canary\r\nX: y"})
    assert "canary" not in f"{broken.value!r} {broken.value.__cause__} {vars(broken.value)}"


def test_certificates_cannot_be_switched_off() -> None:
    session = guarded_session(frozenset())
    for switch in ({"verify": False}, {"proxies": {"https": "http://127.0.0.1:1"}}, {"cert": "/x"}):
        with pytest.raises(ValueError, match="always checked"):
            session.get("https://example.org/", **switch)


def test_the_certificate_is_checked_on_the_name_not_on_the_address(tmp_path: Path) -> None:
    authority, context = certificate_for("studio.example.org", tmp_path)
    with listening(answer(b"private"), tls=context) as listener:

        def at_home(_host: str, _port: int) -> list[str]:
            return ["127.0.0.1"]

        listed = frozenset({f"{name}.example.org:{listener.port}" for name in ("studio", "other")})
        fetch = Fetcher(listed, resolver=at_home, authorities=authority)
        assert fetch.request("GET", f"https://studio.example.org:{listener.port}/").body == b"private"
        assert f"Host: studio.example.org:{listener.port}".encode() in listener.requests[0]
        with pytest.raises(Unreachable, match="tls"):
            fetch.request("GET", f"https://other.example.org:{listener.port}/")
        with pytest.raises(Unreachable, match="tls"):
            Fetcher(listed, resolver=at_home).request("GET", f"https://studio.example.org:{listener.port}/")
        assert len(listener.requests) == 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("172.15.255.255", True),
        ("172.32.0.1", True),
        ("100.63.255.255", True),
        ("100.128.0.1", True),
        ("192.0.1.1", True),
        ("223.255.255.255", True),
        ("2a00:1450:4001::1", True),
        ("2001:200::1", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("2002:808:808::1", True),
        ("2a00:1450::5efe:8.8.8.8", True),
        ("2001:db8::5efe:8.8.8.8", False),
        ("::8.8.8.8", False),
        ("2001:0:808:808::", False),
        ("4000::1", False),
        ("", False),
    ],
)
def test_public_is_what_is_left_over_and_no_more(address: str, public: bool) -> None:
    assert is_public(address) is public


def certificate_for(name: str, folder: Path) -> tuple[str, ssl.SSLContext]:
    """A certificate for one name that is its own authority: (file to trust, context for the server)."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "both.pem").write_bytes(private + pem)
    (folder / "authority.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return str(folder / "authority.pem"), context
