"""Staff, their sessions, API tokens. Passwords are hashed outside of any write; the edge brings the hashes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from booking.actions.audit import SYSTEM, Actor, note
from booking.tables.people import ApiToken, Attempt, Staff, StaffSession
from booking.values.identity import new_token, new_uuid
from booking.values.refusals import NotFound, Refused, refused
from booking.values.states import Role
from booking.values.tokens import hash_token

SESSION_LIFE = timedelta(days=14)
LOGIN, OWN_PASSWORD = "login", "own-password"
LOGIN_TRIES = 10
REFUSED_LOGIN = "refused-login"
REFUSAL_WINDOW, TOLD_TRIES = timedelta(hours=1), frozenset({1, 10, 100, 1000})
LOGIN_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Login:
    """A new session. `token` goes into the cookie and nowhere else."""

    token: str
    expires_at: datetime


def make_staff(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    *,
    email: str,
    name: str,
    role: Role,
    password_hash: str,
    language: str = "de",
) -> Staff | Refused:
    email = email.strip().lower()
    taken = select(Staff.id).where(Staff.organisation_id == organisation_id, Staff.email == email)
    if session.scalar(taken) is not None:
        return refused("email-taken")
    staff = Staff(
        organisation_id=organisation_id,
        public_id=new_uuid(now),
        email=email,
        name=name,
        role=role,
        password_hash=password_hash,
        language=language,
        created_at=now,
    )
    session.add(staff)
    session.flush()  # the audit entry names the row
    note(session, now, organisation_id, actor, "staff", staff.id, "made", after={"email": email, "role": role.value})
    return staff


def open_session(session: Session, now: datetime, staff: Staff, address: str, client: str) -> Login:
    """Log in on a device: a fresh token each time, so that a planted cookie is worth nothing."""
    token = new_token()
    session.add(
        StaffSession(
            organisation_id=staff.organisation_id,
            staff_id=staff.id,
            token_hash=hash_token(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + SESSION_LIFE,
            address=address,
            client=client[:200],
        )
    )
    note(session, now, staff.organisation_id, Actor(staff.name, staff.id, address), "staff", staff.id, "logged-in")
    return Login(token, now + SESSION_LIFE)


def close_session(session: Session, now: datetime, token: str) -> None:
    session.execute(
        update(StaffSession)
        .where(StaffSession.token_hash == hash_token(token), StaffSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def close_session_by_id(session: Session, now: datetime, organisation_id: int, staff_id: int, session_id: int) -> bool:
    """End one of a person's own log-ins. False where it is not theirs, or ended already."""
    ended = (
        update(StaffSession)
        .where(
            StaffSession.organisation_id == organisation_id,
            StaffSession.staff_id == staff_id,
            StaffSession.id == session_id,
            StaffSession.revoked_at.is_(None),
        )
        .values(revoked_at=now)
        .returning(StaffSession.id)
    )
    return session.scalar(ended) is not None


def close_other_sessions(
    session: Session, now: datetime, organisation_id: int, staff_id: int, but_session_id: int | None = None
) -> None:
    """End all of a person's log-ins but one, or all: after a change of password, or when somebody leaves."""
    ended = update(StaffSession).where(
        StaffSession.organisation_id == organisation_id,
        StaffSession.staff_id == staff_id,
        StaffSession.revoked_at.is_(None),
    )
    if but_session_id is not None:
        ended = ended.where(StaffSession.id != but_session_id)
    session.execute(ended.values(revoked_at=now))


def log_in(
    session: Session,
    now: datetime,
    organisation_id: int,
    staff_id: int,
    password_hash: str,
    address: str,
    client: str,
    tries_key: bytes,
) -> Login | None:
    """Open a session for whoever brought the right password, and forget the tries it took.

    `password_hash` is the one that the password was checked against, outside of this transaction: None where it was
    changed or the person disabled meanwhile.
    """
    query = select(Staff).where(
        Staff.organisation_id == organisation_id,
        Staff.id == staff_id,
        Staff.password_hash == password_hash,
        Staff.disabled_at.is_(None),
    )
    staff = session.scalar(query)
    if staff is None:
        return None
    session.execute(delete(Attempt).where(Attempt.kind == LOGIN, Attempt.key_hash == tries_key))
    return open_session(session, now, staff, address, client)


def set_language(session: Session, organisation_id: int, staff_id: int, language: str) -> None:
    """Keep the language that a member of staff chose (SPEC X1)."""
    session.execute(
        update(Staff).where(Staff.organisation_id == organisation_id, Staff.id == staff_id).values(language=language)
    )


def note_seen(session: Session, seen: Mapping[int, datetime]) -> None:
    """When each session was last used, by its id; flushed in batches, since a GET writes nothing."""
    for session_id, at in sorted(seen.items()):
        session.execute(
            update(StaffSession)
            .where(StaffSession.id == session_id, StaffSession.last_seen_at < at)
            .values(last_seen_at=at)
        )


def note_tokens_used(session: Session, used: Mapping[int, datetime]) -> None:
    """When each API token was last used, by its id; flushed as `note_seen` is."""
    for token_id, at in sorted(used.items()):
        earlier = ApiToken.last_used_at.is_(None) | (ApiToken.last_used_at < at)
        session.execute(update(ApiToken).where(ApiToken.id == token_id, earlier).values(last_used_at=at))


def change_own_password(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    staff_id: int,
    session_id: int,
    before_hash: str,
    after_hash: str,
    tries_key: bytes,
) -> Refused | None:
    """A person's own new password; all their log-ins but this one end. Both are hashed outside of this transaction.

    `before_hash` is the one that the present password was checked against. Refused(password-changed) where it is no
    longer that one.
    """
    changed = (
        update(Staff)
        .where(Staff.organisation_id == organisation_id, Staff.id == staff_id, Staff.password_hash == before_hash)
        .values(password_hash=after_hash)
        .returning(Staff.id)
    )
    if session.scalar(changed) is None:
        return refused("password-changed")
    close_other_sessions(session, now, organisation_id, staff_id, but_session_id=session_id)
    session.execute(delete(Attempt).where(Attempt.kind == OWN_PASSWORD, Attempt.key_hash == tries_key))
    note(session, now, organisation_id, actor, "staff", staff_id, "password-changed")
    return None


def revoke_api_token(session: Session, now: datetime, organisation_id: int, actor: Actor, token_id: int) -> None:
    """End a token. Raises NotFound; a second time changes nothing."""
    query = select(ApiToken).where(ApiToken.organisation_id == organisation_id, ApiToken.id == token_id)
    row = session.scalar(query.with_for_update())
    if row is None:
        raise NotFound("api token", token_id)
    if row.revoked_at is None:
        row.revoked_at = now
        note(session, now, organisation_id, actor, "api_token", row.id, "revoked")


def make_api_token(
    session: Session, now: datetime, organisation_id: int, actor: Actor, name: str, role: Role
) -> tuple[ApiToken, str]:
    """A bearer token for the API; the second value is shown once."""
    token = new_token()
    row = ApiToken(organisation_id=organisation_id, name=name, role=role, token_hash=hash_token(token), created_at=now)
    session.add(row)
    session.flush()  # the audit entry names the row
    note(session, now, organisation_id, actor, "api_token", row.id, "made", after={"name": name, "role": role.value})
    return row, token


def count_attempt(session: Session, now: datetime, kind: str, key_hash: bytes, window: timedelta) -> int:
    """Write down one try and return how many there were in the window, this one counted."""
    session.add(Attempt(kind=kind, key_hash=key_hash, at=now))
    session.flush()  # counted below
    return attempts_since(session, now - window, kind, key_hash)


def note_refusal(
    session: Session, now: datetime, organisation_id: int, staff_id: int | None, address: str, key_hash: bytes
) -> None:
    """Count a refused log-in of an account; the audit log tells of the 1st, 10th, 100th and 1000th within an hour.

    So whoever tries passwords is seen (SPEC X5), and floods nothing. An account that is none (None) is only counted,
    which takes as long.
    """
    tries = count_attempt(session, now, REFUSED_LOGIN, key_hash, REFUSAL_WINDOW)
    if staff_id is not None and tries in TOLD_TRIES:
        stranger = Actor(SYSTEM.name, None, address)
        note(session, now, organisation_id, stranger, "staff", staff_id, "log-in-refused", after={"tries": tries})


def forget_attempts(session: Session, before: datetime) -> None:
    """Tries that no window reaches any more."""
    session.execute(delete(Attempt).where(Attempt.at < before))


def attempts_since(session: Session, since: datetime, kind: str, key_hash: bytes) -> int:
    counted = select(func.count()).where(Attempt.kind == kind, Attempt.key_hash == key_hash, Attempt.at > since)
    return session.scalar(counted) or 0
