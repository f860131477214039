"""What opens a remote. Never in a log, an error or a repr: the fields are left out of all of them."""

from dataclasses import dataclass, field

from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth


@dataclass(frozen=True, slots=True)
class Login:
    """User and password: HTTP Basic, or Digest where a server takes nothing else."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token (RFC 6750)."""

    token: str = field(repr=False)


Credentials = Login | Token | None


class _BearerAuth(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self._token}"
        return r


def auth_of(credentials: Credentials) -> AuthBase | None:
    """What to send without being asked. Names and passwords go as UTF-8 (RFC 7617)."""
    match credentials:
        case Login(user, password):
            return HTTPBasicAuth(user.encode(), password.encode())
        case Token(token):
            return _BearerAuth(token)
        case None:
            return None


def digest_of(credentials: Credentials, challenge: str) -> AuthBase | None:
    """What to send where the first try was answered by this WWW-Authenticate; None where it would not help."""
    if isinstance(credentials, Login) and "digest" in challenge.lower() and "basic" not in challenge.lower():
        return HTTPDigestAuth(credentials.user, credentials.password)
    return None
