"""The demonstration: a hall with its season's codes, customers with a past, feeds, and a booking site beside it.

Idempotent: secrets are derived from the installation's own key, so that a second run finds all there and writes the
same `demo.json`. Bookings go through the same actions as everybody's, at moments before now.
"""

import base64
import hmac
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.tools import Tools
from booking.actions.vault import Vault
from booking.tables.calendars import Feed
from booking.tables.connections import Connection
from booking.tables.database import Database
from booking.tables.houses import Organisation, Room
from booking.values.tokens import token_of
from config.settings import Settings
from outside.ycbm_templates import SECRET_HEADER, webhook_templates
from platzwart.demo_calendar import PARISH, PARISH_PATH
from platzwart.demo_house import ACCOUNT, PAGE, SLUG, STAFF, build
from platzwart.demo_past import live

DEMO_FILE, PEER_FILE = "demo.json", "ycbm-peer.json"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The demonstration's own secrets: the same for one installation, others for every other."""

    key: bytes

    def of(self, purpose: str, length: int = 32) -> str:
        digest = hmac.digest(self.key, f"demo:{purpose}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()[:length]


def load(settings: Settings, *, mail_url: str | None, peer: str) -> None:
    """Build the house unless it stands, then write `demo.json` and the peer's configuration."""
    secrets = Secrets(settings.secret_key.encode())
    tools = Tools(settings.secret_key.encode(), Vault([(key.key_id, key.secret) for key in settings.code_keys]))
    database = Database(settings.database_url, pool_size=2)
    now = datetime.now(UTC)
    try:
        if not _stands(database):
            build(database, now, tools, secrets.of, peer)
            live(database, now, tools)
        with database.read() as session:
            facts = describe(session, settings, secrets, mail_url, peer)
    finally:
        database.close()
    _write(settings.data_dir / DEMO_FILE, facts)
    _write(settings.data_dir / PEER_FILE, peer_config(facts, secrets))


def describe(session: Session, settings: Settings, secrets: Secrets, mail_url: str | None, peer: str) -> dict[str, Any]:
    """What scripts and newcomers rely on; its keys are stable (DESIGN, What a user meets)."""
    organisation = session.scalars(select(Organisation).where(Organisation.slug == SLUG)).one()
    connection = session.scalars(select(Connection).where(Connection.organisation_id == organisation.id)).one()
    rooms = session.execute(select(Room.name, Room.public_id).where(Room.organisation_id == organisation.id))
    feeds = session.execute(
        select(Feed.name, Feed.public_id, Feed.generation).where(Feed.organisation_id == organisation.id)
    )
    base, key = settings.base_url, settings.secret_key.encode()
    return {
        "base_url": base,
        "api_token": secrets.of("api-token", 43),
        "logins": {
            role.value: {"email": email, "password": secrets.of(f"password-{role.value}", 16)}
            for role, (email, _) in STAFF.items()
        },
        "rooms": {name: str(public_id) for name, public_id in rooms},
        "feeds": {
            name: f"{base}/feeds/{token_of(key, public_id, generation)}.ics" for name, public_id, generation in feeds
        },
        "hooks": {
            "ycbm": {
                "url": f"{base}/hooks/ycbm/{connection.public_id}",
                "header": SECRET_HEADER,
                "secret": secrets.of("hook", 43),
                "connection": str(connection.public_id),
                "peer_url": f"http://{peer}",
            }
        },
        "mail_url": mail_url,
    }


def peer_config(facts: dict[str, Any], secrets: Secrets) -> dict[str, Any]:
    """The stand-in's booking page, and the webhooks as its owner would have pasted them."""
    hook = facts["hooks"]["ycbm"]
    return {
        "account_id": ACCOUNT,
        "api_key": secrets.of("api-key", 32),
        "profiles": [{"id": PAGE, "title": "Große Halle", "subdomain": "grosse-halle", "tentative": True}],
        "calendars": {PARISH_PATH: PARISH},
        "webhooks": [
            {
                "event": template.event.value,
                "url": template.url,
                "body": template.body,
                "method": template.method,
                "headers": {hook["header"]: hook["secret"], "Content-Type": template.content_type},
            }
            for template in webhook_templates(hook["url"])
        ],
    }


def _stands(database: Database) -> bool:
    with database.read() as session:
        return session.scalar(select(Organisation.id).where(Organisation.slug == SLUG)) is not None


def _write(path: Path, facts: dict[str, Any]) -> None:
    """Whole or not at all, readable by the owner alone: it holds passwords."""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(facts, file, ensure_ascii=False, indent=2)
    draft.replace(path)
