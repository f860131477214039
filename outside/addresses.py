"""Which addresses may be called (DESIGN rule 8). Pure: no sockets, no resolver; `outside.http` asks here and connects.

`ipaddress.is_global` is not enough: on 3.11 it says yes to 64:ff9b::7f00:1, 2002:7f00:1::, 224.0.0.1 and 192.0.0.8.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from outside.errors import RefusedAddress, UnfitAddress

PORTS = frozenset({443, 8443})
DEFAULT_PORTS = {"https": 443, "http": 80}

# IANA special-purpose registry (RFC 6890 and successors), and addresses that cloud hosts answer on from inside only.
CLOSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
OPEN_V6 = IPv6Network("2000::/3")
CLOSED_V6 = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20"))
MAPPED = IPv6Network("::ffff:0:0/96")
NAT64 = IPv6Network("64:ff9b::/96")
SIX_TO_FOUR = IPv6Network("2002::/16")
ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})

NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
BRACKETED = re.compile(r"\[[^\[\]]*\](:[0-9]*)?")
FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]|[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Target:
    """An address that passed the gate: what is checked is what is called, no second parser looks at the text.

    `host` is a lower-case name without trailing dot, or an IP without brackets; `path` holds the query, never a
    fragment. `listed` says that the operator allows this very host:port on private addresses.
    """

    scheme: str
    host: str
    port: int
    path: str
    listed: bool

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.netloc}"


def target_of(url: str, allow_private: frozenset[str], ports: frozenset[int] = PORTS) -> Target:
    """Judge the text of an address. Raises UnfitAddress: scheme, user info, odd hosts, ports. Non-ASCII is refused,
    too: the caller has turned an internationalised name into its ASCII form before, or did not mean a name at all.
    """
    parts = _split(url)
    host = _host(parts)
    port = _port(parts)
    listed = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}") in allow_private
    if parts.scheme == "http" and not listed:
        raise UnfitAddress(_place(parts.scheme, host, port), "only https leaves the house")
    if port not in ports and not listed:
        raise UnfitAddress(_place(parts.scheme, host, port), "port not allowed")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, path, listed)


def _split(url: str) -> SplitResult:
    if FORBIDDEN.search(url):
        raise UnfitAddress("address", "holds characters that no address has")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UnfitAddress("address", "cannot be read") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise UnfitAddress("address", "only https leaves the house")
    if "@" in parts.netloc:
        raise UnfitAddress("address", "must not hold user or password")
    if "[" in parts.netloc and not BRACKETED.fullmatch(parts.netloc):
        raise UnfitAddress("address", "host is no IPv6 address")
    return parts


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise UnfitAddress("address", "port cannot be read")
    return port or DEFAULT_PORTS[parts.scheme]


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    if parts.netloc.startswith("["):
        return _bracketed(host)
    host = host.removesuffix(".")
    if not NAME.fullmatch(host):
        raise UnfitAddress("address", "host is no name")
    # 2130706433, 0x7f.1, 017700000001, 127.1: resolvers read these as addresses in their own ways
    if NUMERIC.fullmatch(host.rpartition(".")[2]) and not _is_plain_v4(host):
        raise UnfitAddress("address", "host is a number in disguise")
    return host


def _bracketed(host: str) -> str:
    try:
        address = IPv6Address(host)
    except ValueError:
        raise UnfitAddress("address", "host is no IPv6 address") from None
    if address.scope_id is not None:
        raise UnfitAddress("address", "zone ids stay inside")
    return str(address)


def _is_plain_v4(host: str) -> bool:
    try:
        return str(IPv4Address(host)) == host
    except ValueError:
        return False


def _place(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def embedded_v4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this IPv6 address end at: mapped, NAT64, 6to4, ISATAP."""
    number = int(address)
    if address in MAPPED or address in NAT64 or number >> 32 & 0xFFFF_FFFF in ISATAP:
        return IPv4Address(number & 0xFFFF_FFFF)
    if address in SIX_TO_FOUR:
        return IPv4Address(number >> 80 & 0xFFFF_FFFF)
    return None


def is_public(text: str) -> bool:
    """Whether an address as a resolver writes it may be called. Text that is no address, or names a zone, is not."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in CLOSED_V4)
    if address.scope_id is not None:
        return False
    inner = embedded_v4(address)
    return _is_open_v6(address) and (inner is None or is_public(str(inner)))


def _is_open_v6(address: IPv6Address) -> bool:
    if address in MAPPED or address in NAT64:
        return True
    return address in OPEN_V6 and not any(address in network for network in CLOSED_V6)


def judge_addresses(target: Target, addresses: Iterable[str]) -> tuple[str, ...]:
    """The addresses to connect to, in the resolver's order, each once. Raises RefusedAddress if ANY is not public: a
    name that answers with both is an attack or a mistake. A listed target may be anywhere.
    """
    unique = tuple(dict.fromkeys(addresses))
    if not target.listed and not all(is_public(address) for address in unique):
        raise RefusedAddress(target.origin, "leads to an address that is not public")
    return unique
