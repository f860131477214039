"""Who is logged in, by the SHA-256 of what they bring; and a person's own sessions (DESIGN rule 7)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from booking.tables.houses import Organisation
from booking.tables.people import ApiToken, Staff, StaffSession
from booking.tables.prepared import Prepared
from booking.values.refusals import NotFound
from booking.values.states import Role

# Built once: these two are asked with nearly every request.
_STAFF_OF_SESSION = (
    select(StaffSession.id, StaffSession.last_seen_at, Staff)
    .join(Staff, Staff.id == StaffSession.staff_id)
    .where(
        StaffSession.token_hash == bindparam("token_hash"),
        StaffSession.revoked_at.is_(None),
        StaffSession.expires_at > bindparam("now"),
        Staff.disabled_at.is_(None),
    )
)
_TOKEN = Prepared(
    select(
        ApiToken.id,
        ApiToken.organisation_id,
        ApiToken.name,
        ApiToken.role,
        ApiToken.last_used_at,
        Organisation.settings_revision,
    )
    .join(Organisation, Organisation.id == ApiToken.organisation_id)
    .where(ApiToken.token_hash == bindparam("token_hash"), ApiToken.revoked_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class StaffFacts:
    """A member of staff as the pages need one. `session_id` is the log-in of this request."""

    staff_id: int
    organisation_id: int
    email: str
    name: str
    role: Role
    language: str
    session_id: int
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """`settings_revision` is that of its organisation, for `read_house` in the same session."""

    token_id: int
    organisation_id: int
    name: str
    role: Role
    last_used_at: datetime | None
    settings_revision: int


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a log-in is checked against."""

    staff_id: int
    role: Role
    password_hash: str


@dataclass(frozen=True, slots=True)
class SessionFacts:
    session_id: int
    created_at: datetime
    last_seen_at: datetime
    address: str
    client: str


def staff_of_session(session: Session, now: datetime, token_hash: bytes) -> StaffFacts | None:
    """Who this log-in belongs to; None for one that is unknown, revoked, run out, or of disabled staff."""
    row = session.execute(_STAFF_OF_SESSION, {"token_hash": token_hash, "now": now}).one_or_none()
    if row is None:
        return None
    staff: Staff = row.Staff
    return StaffFacts(
        staff_id=staff.id,
        organisation_id=staff.organisation_id,
        email=staff.email,
        name=staff.name,
        role=staff.role,
        language=staff.language,
        session_id=row.id,
        last_seen_at=row.last_seen_at,
    )


def token_of_api(session: Session, token_hash: bytes) -> TokenFacts | None:
    """Whose API token this is; None for one that is unknown or revoked."""
    row = _TOKEN.first(session, {"token_hash": token_hash})
    return TokenFacts(*row) if row else None


def credentials_of(session: Session, organisation_id: int, email: str) -> Credentials | None:
    """What a log-in with this address is checked against; None where nobody may log in by it."""
    query = select(Staff.id, Staff.role, Staff.password_hash).where(
        Staff.organisation_id == organisation_id, Staff.email == email.strip().lower(), Staff.disabled_at.is_(None)
    )
    row = session.execute(query).one_or_none()
    return Credentials(row.id, row.role, row.password_hash) if row else None


def sessions_of(session: Session, now: datetime, organisation_id: int, staff_id: int) -> tuple[SessionFacts, ...]:
    """The person's live log-ins, latest first."""
    query = (
        select(StaffSession)
        .where(
            StaffSession.organisation_id == organisation_id,
            StaffSession.staff_id == staff_id,
            StaffSession.revoked_at.is_(None),
            StaffSession.expires_at > now,
        )
        .order_by(StaffSession.last_seen_at.desc(), StaffSession.id.desc())
    )
    return tuple(
        SessionFacts(row.id, row.created_at, row.last_seen_at, row.address, row.client)
        for row in session.scalars(query)
    )


def staff_row(session: Session, organisation_id: int, staff_id: int) -> Staff:
    """Raises NotFound where the organisation has no such member of staff."""
    query = select(Staff).where(Staff.organisation_id == organisation_id, Staff.id == staff_id)
    found = session.scalar(query)
    if found is None:
        raise NotFound("staff", staff_id)
    return found
