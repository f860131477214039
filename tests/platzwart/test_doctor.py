"""What the doctor says of the houses in the database."""

import base64

import pytest

from booking.tables.database import Database
from platzwart.doctor import Finding, examine
from tests.builders import build_house, change_house


@pytest.mark.rule("S12")
def test_the_doctor_names_what_keeps_a_house_from_writing_invoices(database_url: str) -> None:
    database = Database(database_url)
    try:
        ids = database.write(build_house)
        assert [finding.advice for finding in invoices(database_url)] == [""]
        database.write(lambda session: change_house(session, ids, vat_id=None, iban=""))
    finally:
        database.close()
    (found,) = invoices(database_url)
    assert found.seen == "Haus kirche: lacks tax-number, bank"
    assert "Settings" in found.advice


def invoices(database_url: str) -> list[Finding]:
    environment = {
        "PLATZWART_DATABASE_URL": database_url,
        "PLATZWART_REDIS_URL": "redis://127.0.0.1:1/0",
        "PLATZWART_BASE_URL": "http://localhost",
        "PLATZWART_SECRET_KEY": "kJ3-x81_ZQ0pLm77vRtYuI92wErTaSdF",
        "PLATZWART_CODE_KEY": "k1:" + base64.b64encode(bytes(range(32))).decode(),
        "PLATZWART_SMTP_URL": "smtp://127.0.0.1:1",
    }
    return [finding for finding in examine(environment) if finding.subject == "invoices"]
