"""What the audit log tells has a name for people, whatever is set or done (SPEC X5)."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import booking.actions
from booking.reads.audit_log import AuditLine, AuditPage
from booking.tables import houses
from tests.builders import NOW
from web.office import audit_words

if TYPE_CHECKING:
    from tests.web.conftest import Site

SET = (
    houses.Branch,
    houses.ClosingDay,
    houses.CustomerGroup,
    houses.Organisation,
    houses.PriceExtra,
    houses.PriceList,
    houses.PriceRule,
    houses.Room,
    houses.Season,
)
COUNTED = {"id", "public_id", "organisation_id", "epoch", "settings_revision", "changed_at", "feed_codes_seen"}
EMPTY = AuditPage((), None, {})


def line(subject: str, action: str, after: dict[str, Any]) -> AuditLine:
    return AuditLine(1, NOW, "Frau Owner", "", subject, 1, action, {}, after, None)


def actions() -> Iterator[str]:
    """The actions that are noted by their names."""
    for path in sorted(Path(booking.actions.__path__[0]).glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or ast.unparse(call.func) not in {"note", "audit.note"}:
                continue
            told = [part.value for part in call.args[6:7] for part in ast.walk(part) if isinstance(part, ast.Constant)]
            yield from (one for one in told if isinstance(one, str))


@pytest.fixture
def asked(site: "Site") -> Iterator[None]:
    with site.app.test_request_context(headers={"Accept-Language": "en"}):
        yield


@pytest.mark.rule("X5")
@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("table", SET, ids=lambda table: table.__tablename__)
def test_each_field_that_is_set_has_a_name(table: Any) -> None:
    names = {column.key for column in table.__table__.columns} - COUNTED
    values = {name: 7 if name.endswith(("_id", "cents")) else NOW.isoformat() for name in names}
    told = audit_words.changes(line(table.__tablename__, "changed", values), EMPTY)
    assert len(told) == len(names)
    assert {label for label, _, _ in told} & (names | {name.removesuffix("_id") for name in names}) == set()


@pytest.mark.rule("X5")
@pytest.mark.usefixtures("asked")
def test_each_action_has_a_name() -> None:
    noted = set(actions())
    assert len(noted) > 50
    unnamed = {
        one for one in noted - {"decided", "-hours"} if audit_words.action_name(line("connection", one, {})) == one
    }
    assert unnamed == set()


@pytest.mark.usefixtures("asked")
def test_days_of_the_week_and_weights_of_findings_are_told_in_words() -> None:
    told = audit_words.changes(line("price_rule", "made", {"weekdays": [6, 0]}), EMPTY)
    assert told == [("Weekdays", "", "Mon, Sun")]
    ((label, _, value),) = audit_words.changes(
        line("organisation", "changed", {"thresholds": {"no-shows": {"weight": "stop", "number": 3}}}), EMPTY
    )
    assert (label, value) == ("Did not come before", "stop · 3")
