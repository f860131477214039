"""Which contracts are possible (SPEC O47, § 309 Nr. 9 BGB)."""

from dataclasses import replace
from typing import Any

import pytest

from booking.rules.contract_terms import contract_reasons
from booking.values.pass_types import Renewal
from booking.values.refusals import Reason
from booking.values.term import Term, TermUnit
from tests.booking.rules.studio import YEAR, days, months

D, W, M = TermUnit.DAYS, TermUnit.WEEKS, TermUnit.MONTHS
FIXED: dict[str, Any] = {"renewal": Renewal.FIXED, "renewal_term": months(12), "for_consumers": False}


def found(**changes: Any) -> list[tuple[str, str | None]]:
    return [(reason.code, reason.at) for reason in contract_reasons(replace(YEAR, **changes))]


@pytest.mark.rule("O47")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"minimum": months(24)}, []),
        ({"minimum": months(25)}, [("consumer-minimum", "contract.minimum")]),
        ({"minimum": Term(104, W)}, []),
        ({"minimum": Term(105, W)}, [("consumer-minimum", "contract.minimum")]),
        ({"minimum": days(730)}, []),
        ({"minimum": days(731)}, [("consumer-minimum", "contract.minimum")]),
        ({"minimum": months(25), "for_consumers": False}, []),
        ({"minimum": months(0)}, [("out-of-range", "contract.minimum")]),
        ({"minimum": months(121), "for_consumers": False}, [("out-of-range", "contract.minimum")]),
        ({"notice": months(2)}, [("consumer-notice", "contract.notice")]),
        ({"notice": Term(4, W)}, []),
        ({"notice": Term(5, W)}, [("consumer-notice", "contract.notice")]),
        ({"notice": days(28)}, []),
        ({"notice": days(29)}, [("consumer-notice", "contract.notice")]),
        ({"notice": months(3), "for_consumers": False}, []),
        ({"notice": days(0)}, []),
        ({"notice": days(-1)}, [("out-of-range", "contract.notice")]),
        (FIXED, []),
        (FIXED | {"for_consumers": True}, [("consumer-renewal", "contract.renewal")]),
        (FIXED | {"renewal_term": None}, [("missing", "contract.renewal_term")]),
        (FIXED | {"renewal_term": months(0)}, [("out-of-range", "contract.renewal_term")]),
        ({"renewal_term": months(6)}, [("renewal-term-unused", "contract.renewal_term")]),
        ({"renewal": Renewal.NONE}, []),
        ({"minimum": days(20)}, [("notice-too-long", "contract.notice")]),
        ({"minimum": months(1)}, []),
        (FIXED | {"renewal_term": Term(2, W)}, [("notice-too-long", "contract.notice")]),
        ({"instalment_day": 0}, [("out-of-range", "contract.instalment_day")]),
        ({"instalment_day": 31}, []),
        ({"instalment_day": 32}, [("out-of-range", "contract.instalment_day")]),
        ({"every_months": 0}, [("out-of-range", "contract.every_months")]),
        ({"every_months": 12}, []),
        ({"every_months": 13}, [("out-of-range", "contract.every_months")]),
    ],
)
def test_a_contract_is_refused_exactly_for_what_it_cannot_be(
    changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert found(**changes) == expected


@pytest.mark.rule("O47")
def test_a_contract_is_refused_for_all_of_it_at_once_with_what_would_be_allowed() -> None:
    reasons = contract_reasons(
        replace(YEAR, minimum=months(36), notice=months(3), renewal=Renewal.FIXED, renewal_term=months(12))
    )
    assert [reason.code for reason in reasons] == ["consumer-minimum", "consumer-renewal", "consumer-notice"]
    assert reasons[-1] == Reason("consumer-notice", "contract.notice", {"most": 1, "unit": "months"})
