"""Contracts: when one can end, until when it can be booked on, and what it costs in instalments (SPEC O47, F9 to F14).

Days are local days of the organisation. A notice is counted from the day on which it is given, that day itself not
included (§ 187 (1) BGB). A contract with indefinite renewal ends with its minimum term, or as soon after it as the
notice period allows, which is what § 309 Nr. 9 BGB wants for consumers; one with fixed renewal ends with a period.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count, takewhile

from booking.values.clock import DAY, days_between
from booking.values.money import Cents, round_half_up
from booking.values.pass_types import Renewal
from booking.values.passes import Contract, Freeze, Notice, frozen_end
from booking.values.refusals import Reason, Refused
from booking.values.term import Term, last_day_of, latest_before, months_later, term_after


@dataclass(frozen=True, slots=True)
class Instalment:
    """One instalment of a contract: its place from 1 on, its day, the days that it pays for, its gross amount.

    The number and the days never change, so what was invoiced can be told by the number. The amount does with a freeze
    or an early end.
    """

    number: int
    due: date
    first_day: date
    last_day: date
    amount: Cents


def earliest_end(contract: Contract, today: date) -> date:
    """The last day of the contract if notice were given today; as it stands, where it was given or nothing renews
    it.
    """
    if contract.last_day is not None:
        return contract.last_day
    in_time = term_after(today, contract.terms.notice)
    if contract.terms.renewal is Renewal.INDEFINITE:
        return max(contract.minimum_end, in_time)
    return next(end.last_day for end in _ends(contract) if end.last_day >= in_time)


def bookable_until(contract: Contract, today: date) -> date:
    """The last day on which a booking on this contract may lie (SPEC F10, F11, F14). It never comes closer by waiting.

    First the end of the minimum term. When the notice date has passed without notice, the end of the next period; with
    indefinite renewal it moves on night by night with the earliest day on which the contract could end. A notice fixes
    it. Days beyond it wait for the contract to renew.
    """
    return earliest_end(contract, today)


def notice_by(contract: Contract, today: date) -> date:
    """The last day on which a notice still ends the contract with `earliest_end`: today or later where it renews."""
    return latest_before(earliest_end(contract, today), contract.terms.notice)


def has_renewed(contract: Contract, today: date) -> bool:
    """Whether the notice date of the minimum term has passed without notice: it goes on beyond that (SPEC F11)."""
    return contract.last_day is None and earliest_end(contract, today) > contract.minimum_end


def give_notice(contract: Contract, today: date, wish: date | None = None, reason: str = "") -> Notice | Refused:
    """The notice that ends the contract on the wished last day, else on the earliest; its day is for the mail.

    notice-given     it was given already: `last`
    end-too-early    at last_day: the contract binds for longer: `earliest`
    not-a-period-end at last_day: with fixed renewal it ends with a period: `next`
    ends-sooner      at last_day: it ends sooner by itself: `last`
    """
    if contract.notice is not None:
        return Refused((Reason("notice-given", None, {"last": contract.notice.last_day.isoformat()}),))
    earliest = earliest_end(contract, today)
    no = None if wish is None else _against_wish(contract, earliest, wish)
    if no:
        return Refused((no,))
    return Notice(today, wish or earliest, reason=reason.strip())


def end_specially(contract: Contract, today: date, last_day: date, reason: str, proof: str) -> Notice | Refused:
    """The special termination: on any day from today on, with a reason and a proof; an earlier notice gives way to it.

    missing          at reason or proof
    end-in-the-past  at last_day: before today
    ends-sooner      at last_day: the contract ends as soon or sooner as it stands: `last`
    """
    reasons = [Reason("missing", at) for at, text in (("reason", reason), ("proof", proof)) if not text.strip()]
    if last_day < today:
        reasons.append(Reason("end-in-the-past", "last_day", {"today": today.isoformat()}))
    if contract.last_day is not None and last_day >= contract.last_day:
        reasons.append(Reason("ends-sooner", "last_day", {"last": contract.last_day.isoformat()}))
    return Refused(tuple(reasons)) if reasons else Notice(today, last_day, special=True, reason=reason.strip())


def instalments(contract: Contract, price: Cents, until: date) -> tuple[Instalment, ...]:
    """Those that are due up to `until`, that day included, in order; `price` is that of a whole one.

    The k-th pays for the k-th stretch of `every_months` months from the first day. The first is due on the first
    instalment day from then on, the others so many months later each; where a month has no such day, on its last.
    A stretch that the contract's end cuts short, or that has days which are not billed, costs its share by days, half a
    cent up; one without a billed day has none.
    """
    return tuple(one for one in takewhile(lambda each: each.due <= until, _all(contract, price)) if one.amount)


def unbilled_days(contract: Contract, until: date) -> frozenset[date]:
    """The days up to `until` for which nothing is billed (SPEC O38).

    Where a freeze pauses billing: the frozen days. Where it does not, the customer went on paying meanwhile, so the
    days that the freeze added to the minimum term or a period are free. Either way nobody pays twice.
    """
    pauses = contract.terms.freeze_pauses_billing
    stretches: Iterable[Freeze] = contract.freezes if pauses else _added(contract, until)
    days = (day for one in stretches for day in days_between(one.first_day, min(one.last_day, until)))
    return frozenset(days)


@dataclass(frozen=True, slots=True)
class _End:
    """The end of the minimum term or of a later period, and by how many days freezes moved it in all."""

    last_day: date
    moved: int


def _ends(contract: Contract) -> Iterator[_End]:
    """The minimum term's end, then those of the fixed periods after it, endless; freezes move them all."""
    terms = contract.terms
    first_end = last_day_of(contract.first_day, terms.minimum)
    yield _moved(first_end, contract.freezes)
    if terms.renewal is not Renewal.FIXED:
        return
    if terms.renewal_term is None or terms.renewal_term.count < 1:
        raise ValueError("a fixed renewal needs a term")
    for times in count(1):
        yield _moved(last_day_of(first_end + DAY, terms.renewal_term, times), contract.freezes)


def _moved(end: date, freezes: Iterable[Freeze]) -> _End:
    last_day = frozen_end(end, freezes)
    return _End(last_day, (last_day - end).days)


def _added(contract: Contract, until: date) -> Iterator[Freeze]:
    """The days that freezes added, before the end that they moved."""
    before = 0
    for end in takewhile(lambda each: each.last_day - timedelta(days=each.moved) < until, _ends(contract)):
        if end.moved > before:
            yield Freeze(end.last_day - timedelta(days=end.moved - before - 1), end.last_day)
        before = end.moved


def _against_wish(contract: Contract, earliest: date, wish: date) -> Reason | None:
    if wish < earliest:
        return Reason("end-too-early", "last_day", {"earliest": earliest.isoformat()})
    if contract.last_day is not None and wish > contract.last_day:
        return Reason("ends-sooner", "last_day", {"last": contract.last_day.isoformat()})
    if contract.terms.renewal is Renewal.FIXED:
        following = next(end.last_day for end in _ends(contract) if end.last_day >= wish)
        if following != wish:
            return Reason("not-a-period-end", "last_day", {"next": following.isoformat()})
    return None


def _all(contract: Contract, price: Cents) -> Iterator[Instalment]:
    """Every instalment, endless where the contract is; those without a billed day have an amount of 0."""
    term = Term(contract.terms.every_months)
    month = contract.first_day.replace(day=1)
    ahead = int(_in_month(month, contract.terms.instalment_day) < contract.first_day)
    for place in count():
        first = last_day_of(contract.first_day, term, place) + DAY
        if contract.last_day is not None and first > contract.last_day:
            return
        last = last_day_of(contract.first_day, term, place + 1)
        due = _in_month(months_later(month, ahead + place * term.count), contract.terms.instalment_day)
        yield Instalment(place + 1, due, first, last, _amount(contract, price, first, last))


def _in_month(month: date, day: int) -> date:
    """The day of that number in a month, or its last."""
    last = months_later(month, 1) - DAY
    return last if day > last.day else month.replace(day=day)


def _amount(contract: Contract, price: Cents, first: date, last: date) -> Cents:
    end = last if contract.last_day is None else min(last, contract.last_day)
    free = unbilled_days(contract, end)
    billed = sum(day not in free for day in days_between(first, end))
    return Cents(round_half_up(price * billed, (last - first).days + 1))
