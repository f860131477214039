"""What has to be true before the first page is served: the schema is at head, and the demonstration is there."""

from contextlib import closing
from pathlib import Path

from booking.reads.house import only_organisation
from booking.tables.database import Database
from booking.tables.migrate import migrate
from booking.values.tokens import setup_path
from config.settings import Settings


def prepare(settings: Settings, first_page: Path | None, mail_url: str | None, peer: str | None) -> None:
    """Migrate, then load the demonstration where its `peer` (host:port) is named. Running it again changes nothing.

    The file `first_page` holds the link to the page that makes the organisation, as long as there is none.
    """
    migrate(settings.database_url)
    if peer is not None:
        from platzwart.demo import load

        load(settings, mail_url=mail_url, peer=peer)
    if first_page is not None:
        _write_first_page(settings, first_page)


def _write_first_page(settings: Settings, path: Path) -> None:
    with closing(Database(settings.database_url)) as database, database.read() as session:
        is_new = only_organisation(session) is None
    path.unlink(missing_ok=True)
    if is_new:
        path.touch(mode=0o600)
        path.write_text(f"{settings.base_url}{setup_path(settings.secret_key.encode())}\n", encoding="utf-8")
