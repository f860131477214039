"""A mail whose invoice lacks what the house never entered waits for it, and is never given up (SPEC S12, X4)."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import messages, outbox
from booking.actions.messages import TOPIC, MailKind
from booking.tables.outgoing import Invoice, InvoiceFile, Message
from booking.values.identity import new_uuid
from booking.values.states import MessageState
from tests.builders import change_house, slot_in
from tests.workers.conftest import Works
from workers.context import clock

PAUSE = timedelta(minutes=6)


@pytest.mark.rule("S12", "X4")
def test_the_mail_waits_for_the_tax_number_and_goes_out_once_it_is_entered(works: Works) -> None:
    made = works.confirmed(slot_in(10, 18, 20))
    works.drain()
    works.sink.received.clear()
    message_id, invoice_id = works.context.database.write(lambda session: _of_before(session, works, made.booking_id))
    works.write(lambda session: change_house(session, works.ids, vat_id=None))
    for _ in range(outbox.TRIES + 2):
        works.drain()
        works.later(PAUSE)
    (duty,) = works.duties(TOPIC, message_id)
    assert (duty.dead_at, duty.last_error) == (None, "invoice lacks: tax number or VAT id")
    assert works.sink.received == []
    works.write(lambda session: change_house(session, works.ids, tax_number="22/123/45678"))
    works.later(PAUSE)
    works.drain()
    with works.context.database.read() as session:
        assert session.get_one(Message, message_id).state is MessageState.SENT
        pdf = session.scalars(select(InvoiceFile.pdf).where(InvoiceFile.invoice_id == invoice_id)).one()
    assert pdf.startswith(b"%PDF")


def _of_before(session: Session, works: Works, booking_id: int) -> tuple[int, int]:
    """A mail and its invoice as they were written before a decision asked for what the house lacks."""
    whole = session.scalars(select(Invoice).where(Invoice.booking_id == booking_id)).one()
    invoice = Invoice(
        organisation_id=whole.organisation_id,
        public_id=new_uuid(clock()),
        booking_id=booking_id,
        customer_id=whole.customer_id,
        number="2026-00099",
        issued_at=whole.issued_at,
        due_on=whole.due_on,
        total_cents=whole.total_cents,
        data=whole.data | {"number": "2026-00099", "seller": whole.data["seller"] | {"vat_id": None}},
    )
    session.add(invoice)
    session.flush()
    message_id = messages.post(
        session,
        clock(),
        works.house,
        MailKind.CONFIRMATION,
        to="anna.mueller@verein.example",
        name="Anna Müller",
        language="de",
        booking_id=booking_id,
        facts={"invoice_id": invoice.id},
    )
    return message_id, invoice.id
