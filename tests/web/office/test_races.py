"""Two reviewers at once, through the whole web application: never both, and the slower one is told."""

import threading
from collections import Counter

import pytest
from sqlalchemy import select, update

from booking.actions.requests import make_external
from booking.tables.bookings import Booking, Decision, Occupancy
from booking.values.states import DecisionState, Role, Source, Verdict
from tests.builders import ask, contact, slot_in
from tests.fixtures.soak import scale
from tests.web.conftest import Visitor
from tests.web.office.conftest import Desk

TIMES = scale(1000)


def at_once(one: tuple[Visitor, str, dict[str, str]], other: tuple[Visitor, str, dict[str, str]]) -> list[int]:
    """Post both at the same moment; their statuses."""
    ready, statuses = threading.Barrier(2), [0, 0]

    def press(place: int, visitor: Visitor, path: str, data: dict[str, str]) -> None:
        ready.wait()
        statuses[place] = visitor.client.post(path, data=data).status_code

    threads = [threading.Thread(target=press, args=(place, *who)) for place, who in enumerate((one, other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def tokens(desk: Desk) -> tuple[tuple[Visitor, str], tuple[Visitor, str]]:
    owner = desk.site.logged_in(Role.OWNER)
    return (desk.visitor, desk.visitor.form_token("/office/requests")), (owner, owner.form_token("/office/requests"))


@pytest.mark.soak
@pytest.mark.rule("S8")
def test_of_two_reviewers_of_one_request_exactly_one_decides(desk_on_both: Desk) -> None:
    desk = desk_on_both
    made = desk.ask()
    desk.code(made.slot)
    (office, first), (owner, second) = tokens(desk)
    path, seen = f"/office/requests/{made.public_id}", Counter[tuple[int, ...]]()
    for turn in range(TIMES):
        verb = "reject" if turn % 2 else "approve"
        statuses = at_once(
            (office, f"{path}/approve", {"csrf_token": first}),
            (owner, f"{path}/{verb}", {"csrf_token": second, "reason": "Nein"}),
        )
        seen[tuple(sorted(statuses))] += 1
        pending = desk.rows(select(Decision).where(Decision.state == DecisionState.PENDING))
        assert len(pending) == 1
        assert (pending[0].staff_id == desk.ids.office) is (statuses[0] == 302)
        undone = office.client.post(f"{path}/undo", data={"csrf_token": first})
        assert undone.status_code == 302
    assert seen == {(302, 409): TIMES}


@pytest.mark.soak
@pytest.mark.rule("S8")
def test_of_two_overlapping_requests_never_both_are_approved(desk_on_both: Desk) -> None:
    """Both came from outside beside a third that is gone, so that either alone could be confirmed."""
    desk = desk_on_both
    blocker = desk.ask(days=10, first=18, last=20)
    tools, now = desk.site.context.tools, desk.site.now
    wishes = [ask(desk.ids.left, slot_in(10, 18, last), contact(name)) for name, last in (("Eins", 20), ("Zwei", 19))]
    made = [desk.write(lambda db, here, one=one: make_external(db, now, tools, here, _external(one))) for one in wishes]
    for text, wish in zip(("111111", "222222"), wishes, strict=True):
        desk.code(wish.slot, text)
    desk.decide(blocker, Verdict.REJECT, "Nein")
    desk.settle()
    (office, first), (owner, second) = tokens(desk)
    paths = [f"/office/requests/{one.public_id}" for one in made]
    for _ in range(TIMES):
        statuses = at_once(
            (office, f"{paths[0]}/approve", {"csrf_token": first}),
            (owner, f"{paths[1]}/approve", {"csrf_token": second}),
        )
        pending = desk.rows(select(Decision).where(Decision.state == DecisionState.PENDING))
        assert len(pending) == 1, statuses
        assert min(statuses) == 302
        assert max(statuses) in {409, 422}
        winner = next(place for place, status in enumerate(statuses) if status == 302)
        office.client.post(f"{paths[winner]}/undo", data={"csrf_token": first})
        desk.write(lambda db, _: db.execute(update(Occupancy).values(exclusive=False)))
    assert len(desk.rows(select(Booking))) == 3


def _external(wish: object) -> object:
    from dataclasses import replace

    return replace(wish, source=Source.YCBM)  # type: ignore[type-var]  # a frozen Ask
