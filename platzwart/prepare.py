"""What has to be true before the first page is served: the schema is at head, and the demonstration is there."""

from booking.tables.migrate import migrate
from config.settings import Settings


def prepare(settings: Settings, mail_url: str | None, peer: str | None) -> None:
    """Migrate, then load the demonstration where its `peer` (host:port) is named. Running it again changes nothing."""
    migrate(settings.database_url)
    if peer is not None:
        from platzwart.demo import load

        load(settings, mail_url=mail_url, peer=peer)
