"""Customers, invoices and payments by program; what is marked once a time has begun (SPEC S12, S18, S19, X3, X12)."""

from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions.desk import mark_afterwards
from booking.actions.groups import assign_group
from booking.actions.office import keep_discount, mark_no_show
from booking.actions.payments import note_payment
from booking.reads.booking_file import invoice_pdf, marks_of
from booking.reads.customers import CustomerLine, StandingDiscount, Wanted, customer_by, customers_before
from booking.reads.house import House
from booking.reads.invoices import InvoiceLine, invoice_by, invoices_page
from booking.reads.requests import request_by
from booking.rules.permissions import Capability
from booking.values.refusals import Refused
from web.access import token
from web.api import office_models as models
from web.api.frame import Responses, answer, effect, responses
from web.api.models import BookingPath, Contact, Model
from web.api.part import ApiPart
from web.api.parts import key_of, members
from web.api.price_parts import GROUP, group_of
from web.request import actor, house, now, organisation_id, read

PDF = "application/pdf"

customers = ApiPart("api_customers", __name__)
_refuse = members({"amount": "amount_cents", "until": "last_day"})


def _as_pdf() -> Responses:
    described = responses(Model, 204, 404)
    del described[204]
    described[200] = {"description": "The PDF", "content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}
    return described


@customers.get("/customers", summary="List customers, newest first", responses=responses(models.Customers))
@token(Capability.CUSTOMERS)
def page(query: models.CustomersQuery) -> Response:
    wanted = Wanted(typed=query.q, filters={"discount": "yes"} if query.discount else {})
    found = customers_before(read(), organisation_id(), wanted, query.cursor, query.limit + 1)
    shown = found[: query.limit]
    follows = shown[-1].public_id if len(found) > query.limit else None
    return answer(models.Customers(customers=[_customer(one) for one in shown], next=follows))


@customers.get("/customers/<uuid:customer_id>", summary="One customer", responses=responses(models.Customer, 200, 404))
@token(Capability.CUSTOMERS)
def show(path: models.CustomerPath) -> Response:
    return answer(_customer(customer_by(read(), organisation_id(), path.customer_id)))


@customers.put(
    "/customers/<uuid:customer_id>/discount",
    summary="Keep the standing discount; it holds for invoices from now on",
    responses=responses(models.Customer, 200, 404),
)
@token(Capability.DISCOUNTS)
def discount(path: models.CustomerPath, body: models.DiscountBody) -> Response:
    wanted = StandingDiscount(body.percent, body.amount_cents, body.note, body.first_day, body.last_day)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        no = keep_discount(session, now(), inside, path.customer_id, wanted, actor())
        return no or _customer(customer_by(session, inside.organisation_id, path.customer_id))

    return effect(work, refuse=_refuse)


@customers.put(
    "/customers/<uuid:customer_id>/group",
    summary="Put a customer into a group, or into none; it holds for what is asked for from now on",
    responses=responses(models.Customer, 200, 404),
)
@token(Capability.DISCOUNTS)
def group(path: models.CustomerPath, body: models.CustomerGroupBody) -> Response:
    key = key_of(GROUP, body.group) if body.group else None

    def work(session: Session, inside: House) -> BaseModel | Refused:
        assign_group(session, now(), inside, path.customer_id, key, actor())
        session.flush()
        return _customer(customer_by(session, inside.organisation_id, path.customer_id))

    return effect(work)


@customers.get("/invoices", summary="List invoices, newest first", responses=responses(models.Invoices))
@token(Capability.INVOICES)
def list_invoices(query: models.InvoicesQuery) -> Response:
    found = invoices_page(
        read(),
        organisation_id(),
        paid=query.paid,
        customer=query.customer,
        before=query.cursor,
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    follows = shown[-1].public_id if len(found) > query.limit else None
    return answer(models.Invoices(invoices=[_invoice(one, house()) for one in shown], next=follows))


@customers.get("/invoices/<uuid:invoice_id>", summary="One invoice", responses=responses(models.Invoice, 200, 404))
@token(Capability.INVOICES)
def show_invoice(path: models.InvoicePath) -> Response:
    return answer(_invoice(invoice_by(read(), organisation_id(), path.invoice_id), house()))


@customers.get("/invoices/<uuid:invoice_id>/pdf", summary="The invoice as it was rendered once", responses=_as_pdf())
@token(Capability.INVOICES)
def pdf(path: models.InvoicePath) -> Response:
    """404 until it was rendered, some seconds after it was issued."""
    number, data = invoice_pdf(read(), organisation_id(), path.invoice_id)
    found = Response(data, mimetype=PDF)
    found.headers["Content-Disposition"] = f'attachment; filename="{number}.pdf"'
    return found


@customers.post(
    "/invoices/<uuid:invoice_id>/paid",
    summary="Note an invoice as paid; a door code that waited for it goes out",
    responses=responses(models.Paid, 200, 404, 409),
)
@token(Capability.PAYMENTS)
def paid(path: models.InvoicePath, body: models.PaidBody) -> Response:
    invoice_id = invoice_by(read(), organisation_id(), path.invoice_id).invoice_id

    def work(session: Session, inside: House) -> BaseModel | Refused:
        done = note_payment(session, now(), inside, invoice_id, actor(), note=body.note)
        if isinstance(done, Refused):
            return done
        return models.Paid(id=path.invoice_id, paid_at=now(), code_mails=done.code_mails)

    return effect(work)


@customers.post(
    "/bookings/<uuid:booking_id>/afterwards",
    summary="Waive, charge or mark for follow-up, once the time has begun",
    responses=responses(models.Marked, 200, 404, 409),
)
@token(Capability.BOOKINGS)
def afterwards(path: BookingPath, body: models.AfterwardsBody) -> Response:
    """What is waived before the invoice went out is not billed; afterwards a case asks to correct it."""
    booking_id = request_by(read(), organisation_id(), path.booking_id).booking_id

    def work(session: Session, inside: House) -> BaseModel | Refused:
        no = mark_afterwards(session, now(), inside, booking_id, body.what, body.text, actor(), cents=body.cents)
        return no or _marked(session, inside, path.booking_id, booking_id)

    return effect(work)


@customers.post(
    "/bookings/<uuid:booking_id>/no-show",
    summary="Note that nobody came, or take that back",
    responses=responses(models.Marked, 200, 404, 409),
)
@token(Capability.BOOKINGS)
def no_show(path: BookingPath, body: models.CameBody) -> Response:
    booking_id = request_by(read(), organisation_id(), path.booking_id).booking_id

    def work(session: Session, inside: House) -> BaseModel | Refused:
        no = mark_no_show(session, now(), inside, booking_id, actor(), came=body.came)
        return no or _marked(session, inside, path.booking_id, booking_id)

    return effect(work)


def _marked(session: Session, inside: House, public_id: UUID, booking_id: int) -> models.Marked:
    session.flush()
    marks = marks_of(session, inside.organisation_id, booking_id)
    return models.Marked(id=public_id, no_show=marks.no_show, follow_up=marks.follow_up)


def _customer(line: CustomerLine) -> models.Customer:
    kept, contact = line.discount, line.contact
    return models.Customer.model_construct(
        id=line.public_id,
        contact=Contact.model_construct(
            name=contact.name,
            company=contact.company,
            email=contact.email,
            phone=contact.phone,
            street=contact.street,
            postcode=contact.postcode,
            city=contact.city,
            country=contact.country,
        ),
        language=line.language,
        created_at=line.created_at,
        bookings=line.bookings,
        last_at=line.last_at,
        unpaid_cents=line.unpaid_cents,
        discount=models.Discount(
            percent=kept.percent,
            amount_cents=kept.cents,
            note=kept.note,
            first_day=kept.first_day,
            last_day=kept.last_day,
        ),
        group=group_of(line.group_id),
    )


def _invoice(line: InvoiceLine, here: House) -> models.Invoice:
    return models.Invoice(
        id=line.public_id,
        number=line.number,
        issued_at=line.issued_at,
        due_on=line.due_on,
        total_cents=line.total_cents,
        currency=here.currency,
        booking=line.present_id,
        issued_for=line.booking_id,
        booking_code=line.booking_code,
        customer=line.customer_id,
        party=line.party,
        has_pdf=line.has_file,
        paid_at=line.paid_at,
        paid_note=line.paid_note,
    )
