"""Who is who: our own items, feeds that make up new UIDs each time, and calendars that must not be linked.

SPEC C10 (no loops) and C11 (rebuild without duplicates).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import normpath
from urllib.parse import unquote, urlsplit

from ical.item import Item
from sync.content import Fingerprint, fingerprint
from sync.values import Identity, ItemLink, Link, LinkState, RemoteEvidence, RemoteItem, Side

CHANGED_UIDS = 0.5
SAME_CONTENT = 0.8
FEW = 3
"""Below so many items a coincidence would pass for an unstable feed."""

_PORTS = {"http": 80, "https": 443}


def is_ours(link: Link, item: Item) -> bool:
    """Our mark, or a UID that we made. Anybody can type either: it is a reason to leave alone, never to delete."""
    return _is_marked(link, item) or item.uid.endswith(f"@{link.instance}")


def is_marked_elsewhere(link: Link, item: Item) -> bool:
    """Written by us through another link: it is here by a way around, and is never imported."""
    return _is_marked(link, item) and item.origin != link.mark


def _is_marked(link: Link, item: Item) -> bool:
    return item.origin is not None and item.origin.partition("/")[0] == link.instance


@dataclass(frozen=True, slots=True)
class Relinked:
    """Rows under the address and UID at which their item lies now, by their former address."""

    rows: Mapping[str, ItemLink]
    identity: Identity


def relink(link: Link, rows: Collection[ItemLink], remote: RemoteEvidence, fresh: Sequence[RemoteItem]) -> Relinked:
    """Find rows again whose item lies at another address: by UID, and by fingerprint where UIDs prove unstable.

    `fresh` is what no row knows. Identity by fingerprint needs a complete listing with the content of all that is new.
    """
    absent = [row for row in rows if _may_have_moved(row, remote)]
    by_uid = {row.uid: row for row in sorted(absent, key=_is_alive)}
    found: dict[str, ItemLink] = {}
    left: list[RemoteItem] = []
    for item in fresh:
        row = by_uid.pop(item.item.uid, None) if item.item else None
        if row is None:
            left.append(item)
        else:
            found[row.href] = replace(row, href=item.href)
    identity = link.identity
    if identity is Identity.UID and _is_unstable(rows, remote, found, left):
        identity = Identity.FINGERPRINT
    if identity is Identity.FINGERPRINT:
        found |= _by_fingerprint([row for row in absent if row.href not in found], left)
    return Relinked(found, identity)


def _is_alive(row: ItemLink) -> bool:
    return row.state is not LinkState.TOMBSTONE


def _may_have_moved(row: ItemLink, remote: RemoteEvidence) -> bool:
    if row.href in remote.there:
        return False
    if row.state is LinkState.TOMBSTONE or row.missing_since is not None:
        return True
    return remote.proves_absence or row.href in remote.gone


def _is_unstable(
    rows: Collection[ItemLink], remote: RemoteEvidence, found: Mapping[str, ItemLink], left: Sequence[RemoteItem]
) -> bool:
    """More than half of the UIDs are new while at least four fifths of the content is what it was.

    Where rows are left out, at most half is missing (`sync.narrowing`).
    """
    if remote.others:
        return False
    before = [row for row in rows if row.origin is Side.REMOTE and row.state is not LinkState.TOMBSTONE]
    if not remote.proves_absence or len(before) < FEW or not left:
        return False
    lost = [row for row in before if row.href not in remote.there and row.href not in found]
    if len(lost) <= CHANGED_UIDS * len(before):
        return False
    then = Counter(fingerprint(row.theirs) for row in before if row.theirs)
    now = Counter(_fingerprints_now(rows, remote, left))
    return (then & now).total() >= SAME_CONTENT * max(then.total(), now.total())


def _fingerprints_now(
    rows: Collection[ItemLink], remote: RemoteEvidence, left: Iterable[RemoteItem]
) -> Iterable[Fingerprint]:
    for row in rows:
        listed = remote.there.get(row.href)
        item = (listed.item or row.theirs) if listed else None
        if item:
            yield fingerprint(item)
    yield from (fingerprint(one.item) for one in left if one.item)


def _by_fingerprint(absent: Iterable[ItemLink], left: Iterable[RemoteItem]) -> dict[str, ItemLink]:
    """Pairs one by one, so that two equal items stay two. A tombstone comes last: what lives is looked for first."""
    waiting: dict[Fingerprint, list[ItemLink]] = {}
    for row in sorted(absent, key=lambda row: (_is_alive(row), row.href)):
        if row.theirs:
            waiting.setdefault(fingerprint(row.theirs), []).append(row)
    pairs = {}
    for one in left:
        rows = waiting.get(fingerprint(one.item)) if one.item else None
        if rows and one.item:
            row = rows.pop()
            pairs[row.href] = replace(row, href=one.href, uid=one.item.uid)
    return pairs


def is_own_address(url: str, own: Iterable[str]) -> bool:
    """The address lies under one of ours (base URLs of this installation): a feed of ours, or the link to itself.

    Compared as a server would resolve it: scheme http, https, webcal alike, host without case and final dot, default
    port, percent-encoding undone, no dot segments.
    """
    host, port, path = _place(url)
    return any(host == h and port == p and _lies_under(path, base) for h, p, base in map(_place, own))


def _place(url: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(url.strip())
        given = parts.port
    except ValueError:
        return "", 0, ""  # no address of anybody
    scheme = {"webcal": "https", "webcals": "https"}.get(parts.scheme.lower(), parts.scheme.lower())
    port = given or _PORTS.get(scheme, 0)
    path = normpath(unquote(parts.path) or "/").lstrip("/")
    # http and https of one host are one installation
    return (parts.hostname or "").rstrip("."), 443 if port == _PORTS["http"] else port, path


def _lies_under(path: str, base: str) -> bool:
    return not base or path == base or path.startswith(f"{base}/")


def is_own_calendar(link: Link, items: Collection[Item]) -> bool:
    """Half or more of it is ours though no name says so (an alias, a proxy): linking it would import ourselves.

    Only for links that import; a calendar into which we export is full of ours by design.
    """
    if not items or link.policy.writes:
        return False
    return 2 * sum(is_ours(link, item) for item in items) >= len(items)
