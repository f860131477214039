"""What has happened to a request, what is under way, what comes: the steps of its status page (SPEC S6 to S12, S26)."""

from dataclasses import dataclass
from datetime import datetime

from booking.reads.house import House, RoomFacts
from booking.reads.status import StatusFacts
from booking.values.codes import spoken
from booking.values.slot import Slot
from booking.values.states import BookingState
from web.i18n import gettext, translator


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the macro `timeline` shows it; `state` is done, now, next or failed."""

    title: str
    when: str = ""
    text: str = ""
    state: str = "next"


@dataclass(frozen=True, slots=True)
class Scene:
    """What the steps are told from."""

    now: datetime
    house: House
    room: RoomFacts
    slot: Slot

    def at(self, instant: datetime | None) -> str:
        return translator().moment(instant, self.room.zone.key) if instant else ""

    @property
    def when(self) -> str:
        return translator().when(self.slot, self.room.zone.key)


def steps_before(scene: Scene, deadline: datetime) -> list[Step]:
    """What will happen, as the form tells it before anything is sent."""
    return [
        Step(gettext("You send the request"), "", gettext("The time is blocked for you at once."), "now"),
        Step(gettext("We review your request"), gettext("by %(when)s", when=scene.at(deadline))),
        _confirmation(scene, gettext("With the door code and the invoice.")),
        Step(gettext("Your time"), scene.when),
    ]


def steps_of(scene: Scene, facts: StatusFacts) -> list[Step]:
    asked = Step(gettext("Requested"), scene.at(facts.made_at), state="done")
    match facts.state:
        case BookingState.REQUESTED:
            return [asked, *_address(scene, facts), *_waiting(scene, facts)]
        case BookingState.CONFIRMED:
            return [asked, *_confirmed(scene, facts)]
        case _:
            return [asked, *_confirmed_before(scene, facts), _ended(scene, facts)]


def door_words(scene: Scene, facts: StatusFacts) -> str:
    """Where the door code is: never what it is."""
    house = scene.house
    if not facts.codes:
        return gettext("You need no door code for this room.")
    if facts.told:
        return gettext("You were given the door code on the phone.")
    if house.code_after_payment and not (facts.bill is None or facts.bill.paid):
        return gettext("The door code comes by mail to %(email)s once your payment has arrived.", email=facts.email)
    if house.code_hours_before is not None:
        return gettext(
            "The door code comes by mail to %(email)s, %(hours)d hours before your time begins.",
            email=facts.email,
            hours=house.code_hours_before,
        )
    return gettext("The door code is in your mail to %(email)s.", email=facts.email)


def _address(scene: Scene, facts: StatusFacts) -> list[Step]:
    if facts.verified_at:
        return [Step(gettext("Address confirmed"), scene.at(facts.verified_at), state="done")]
    if not facts.is_unverified:
        return []
    text = gettext("Please open the link in our mail to %(email)s. Until then we hold the time.", email=facts.email)
    return [
        Step(
            gettext("Confirm your e-mail address"), gettext("by %(when)s", when=scene.at(facts.verify_by)), text, "now"
        )
    ]


def _waiting(scene: Scene, facts: StatusFacts) -> list[Step]:
    is_next = facts.is_unverified
    mail = gettext("With the door code and the invoice to %(email)s.", email=facts.email)
    return [
        Step(
            gettext("We review your request"),
            gettext("by %(when)s", when=scene.at(facts.review_at)),
            gettext("The time stays blocked for you meanwhile."),
            "next" if is_next else "now",
        ),
        _confirmation(scene, mail),
        Step(gettext("Your time"), scene.when),
    ]


def _confirmation(scene: Scene, with_code: str) -> Step:
    return Step(gettext("Confirmation by mail"), "", with_code if scene.room.door_id else gettext("With the invoice."))


def _confirmed(scene: Scene, facts: StatusFacts) -> list[Step]:
    now = scene.now
    steps = [Step(gettext("Confirmed"), scene.at(facts.confirmed_at), door_words(scene, facts), "done")]
    if facts.bill and facts.bill.total_cents > 0:
        steps.append(_payment(scene, facts))
    state = "done" if now >= facts.slot.end else "now" if now >= facts.slot.start else "next"
    begun = Step(gettext("Your time"), scene.when, state=state)
    return [*steps, begun] if state == "next" else [steps[0], begun, *steps[1:]]


def _payment(scene: Scene, facts: StatusFacts) -> Step:
    bill = facts.bill
    assert bill is not None  # noqa: S101 - narrows the type; the caller looked
    amount = translator().money(bill.total_cents, scene.house.currency)
    if bill.paid:
        return Step(gettext("Paid"), amount, state="done")
    due = gettext("%(amount)s by %(day)s", amount=amount, day=translator().day(bill.due_on))
    text = gettext("Invoice %(number)s. Please give the booking code as the reference.", number=bill.number)
    if bill.reference != facts.code:
        code = spoken(bill.reference)
        text = gettext("Invoice %(number)s. Please give %(code)s as the reference.", number=bill.number, code=code)
    return Step(gettext("Payment"), due, text, "next")


def _confirmed_before(scene: Scene, facts: StatusFacts) -> list[Step]:
    at = facts.confirmed_at
    return [Step(gettext("Confirmed"), scene.at(at), state="done")] if at else []


def _ended(scene: Scene, facts: StatusFacts) -> Step:
    reasons = {
        "moved": gettext("You have another time now."),
        "unverified": gettext("The e-mail address was not confirmed in time."),
        "not-reviewed": gettext("We did not manage to review it before it began. We are sorry."),
        "move-not-reviewed": gettext("We did not manage to review it in time. Your booking stays at its time so far."),
    }
    titles = {
        BookingState.REJECTED: gettext("Not possible"),
        BookingState.CANCELLED: gettext("Cancelled"),
        BookingState.EXPIRED: gettext("Run out"),
    }
    title = gettext("Moved") if facts.end_reason == "moved" else titles[facts.state]
    said = gettext("Reason: %(reason)s", reason=facts.end_reason) if facts.end_reason else ""
    return Step(title, scene.at(facts.ended_at), reasons.get(facts.end_reason, said), "failed")
