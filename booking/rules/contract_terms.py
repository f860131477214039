"""Which settings of a contract are possible (SPEC O47).

§ 309 Nr. 9 BGB, for terms that bind consumers: (a) they bind for two years at most; (b) without notice they go on
indefinitely alone, and then end at any time with a notice of a month at most; (c) the notice before the end of the
minimum term is a month at most.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from booking.values.pass_types import ContractTerms, Renewal
from booking.values.refusals import Reason
from booking.values.term import Term, TermUnit, last_day_of

LONGEST: Mapping[TermUnit, int] = {TermUnit.DAYS: 3660, TermUnit.WEEKS: 520, TermUnit.MONTHS: 120}
TWO_YEARS: Mapping[TermUnit, int] = {TermUnit.DAYS: 730, TermUnit.WEEKS: 104, TermUnit.MONTHS: 24}
ONE_MONTH: Mapping[TermUnit, int] = {TermUnit.DAYS: 28, TermUnit.WEEKS: 4, TermUnit.MONTHS: 1}  # of any length
LAST_OF_MONTH, MOST_MONTHS = 31, 12
SOME_MONDAY = date(2001, 1, 1)  # terms of different units are compared from here


def term_reasons(term: Term, at: str, least: int = 1) -> Iterable[Reason]:
    """out-of-range at `at`: `least` of its unit at least, ten years at most."""
    if not least <= term.count <= LONGEST[term.unit]:
        yield Reason("out-of-range", at, {"least": least, "most": LONGEST[term.unit]})


def contract_reasons(terms: ContractTerms, at: str = "contract") -> tuple[Reason, ...]:
    """Why these terms are impossible, each at `<at>.<field>`; empty where they are not.

    out-of-range        at minimum, notice, renewal_term, instalment_day (1 to 31), every_months (1 to 12)
    missing             at renewal_term: a fixed renewal needs one
    renewal-term-unused at renewal_term: only a fixed renewal has one
    notice-too-long     at notice: longer than the minimum term or a renewal, so nobody could give it in time
    consumer-minimum    at minimum: binds consumers for more than two years
    consumer-renewal    at renewal: for consumers it goes on indefinitely or not at all
    consumer-notice     at notice: consumers need no more than a month (28 days, 4 weeks): `most`, `unit`
    """
    return (
        *term_reasons(terms.minimum, f"{at}.minimum"),
        *term_reasons(terms.notice, f"{at}.notice", least=0),
        *_against_renewal(terms, at),
        *_against_instalments(terms, at),
        *_against_notice(terms, at),
        *(_against_law(terms, at) if terms.for_consumers else ()),
    )


def _against_renewal(terms: ContractTerms, at: str) -> Iterable[Reason]:
    field = f"{at}.renewal_term"
    if terms.renewal is Renewal.FIXED:
        yield from [Reason("missing", field)] if terms.renewal_term is None else term_reasons(terms.renewal_term, field)
    elif terms.renewal_term is not None:
        yield Reason("renewal-term-unused", field)


def _against_instalments(terms: ContractTerms, at: str) -> Iterable[Reason]:
    if not 1 <= terms.instalment_day <= LAST_OF_MONTH:
        yield Reason("out-of-range", f"{at}.instalment_day", {"least": 1, "most": LAST_OF_MONTH})
    if not 1 <= terms.every_months <= MOST_MONTHS:
        yield Reason("out-of-range", f"{at}.every_months", {"least": 1, "most": MOST_MONTHS})


def _against_notice(terms: ContractTerms, at: str) -> Iterable[Reason]:
    renewals = [terms.renewal_term] if terms.renewal is Renewal.FIXED and terms.renewal_term else []
    within = [one for one in (terms.minimum, *renewals) if one.count > 0]
    if any(_length(terms.notice) > _length(one) for one in within):
        yield Reason("notice-too-long", f"{at}.notice")


def _against_law(terms: ContractTerms, at: str) -> Iterable[Reason]:
    if terms.minimum.count > TWO_YEARS[terms.minimum.unit]:
        yield Reason("consumer-minimum", f"{at}.minimum")
    if terms.renewal is Renewal.FIXED:
        yield Reason("consumer-renewal", f"{at}.renewal")
    most = ONE_MONTH[terms.notice.unit]
    if terms.notice.count > most:
        yield Reason("consumer-notice", f"{at}.notice", {"most": most, "unit": terms.notice.unit.value})


def _length(term: Term) -> int:
    """Days of a term from a certain Monday, cut at the longest of its unit; enough to compare two."""
    cut = Term(min(term.count, LONGEST[term.unit]), term.unit)
    return (last_day_of(SOME_MONDAY, cut) - SOME_MONDAY).days
