"""API tokens as their page lists them. What a token says is nowhere: the table holds its hash."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.tables.bookings import AuditEntry
from booking.tables.people import ApiToken
from booking.values.states import Role


@dataclass(frozen=True, slots=True)
class TokenLine:
    """`made_by` is empty for a token that came with the set-up; `last_used_at` lags by about a minute."""

    token_id: int
    name: str
    role: Role
    made_by: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def token_lines(session: Session, organisation_id: int) -> tuple[TokenLine, ...]:
    """All tokens, those that work first, then the newest; one query."""
    made = (
        (AuditEntry.organisation_id == ApiToken.organisation_id)
        & (AuditEntry.subject == "api_token")
        & (AuditEntry.subject_id == ApiToken.id)
        & (AuditEntry.action == "made")
    )
    query = (
        select(ApiToken, AuditEntry.actor)
        .outerjoin(AuditEntry, made)
        .where(ApiToken.organisation_id == organisation_id)
        .order_by(ApiToken.revoked_at.is_not(None), ApiToken.created_at.desc(), ApiToken.id.desc())
    )
    return tuple(
        TokenLine(
            token_id=row.id,
            name=row.name,
            role=row.role,
            made_by=actor or "",
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )
        for row, actor in session.execute(query)
    )
