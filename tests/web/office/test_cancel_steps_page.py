"""The steps of a room on their page: added, removed, refused at the field, kept as typed (SPEC S27, X8)."""

import re
from typing import TYPE_CHECKING

import pytest

from booking.values.states import Role
from tests.web.office.test_settings_pages import house_of, room_path, save

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor


@pytest.fixture
def visitor(site: "Site") -> "Visitor":
    return site.logged_in(Role.OWNER)


def page_of(site: "Site") -> str:
    return f"{room_path(site)}/cancelling"


def steps_of(site: "Site") -> list[tuple[int, int]]:
    return [(one.days_before, one.fee_percent) for one in house_of(site).room(site.ids.hall).terms.cancel_steps]


def lines(*steps: tuple[str, str]) -> dict[str, str]:
    return {f"step-{n}-{part}": typed for n, step in enumerate(steps) for part, typed in zip(PARTS, step, strict=True)}


PARTS = ("days", "percent")


@pytest.mark.rule("S27")
def test_steps_are_added_by_filling_a_line_and_removed_by_emptying_it(site: "Site", visitor: "Visitor") -> None:
    path = page_of(site)
    assert save(visitor, path, **lines(("7", "50"), ("14", "30"))).status_code == 302
    assert steps_of(site) == [(14, 30), (7, 50)]
    page = visitor.get(path).text
    assert "bis 14 Tage vor Beginn kostenlos; danach kostet es 30 % des Preises, ab 7 Tagen vorher 50 %." in page
    assert len(re.findall(r'name="step-\d-days"', page)) == 4
    added = lines(("14", "30"), ("7", "50"), ("1", "100"), ("0", "100"))
    assert save(visitor, path, **added).status_code == 302
    assert steps_of(site) == [(14, 30), (7, 50), (1, 100), (0, 100)]
    assert len(re.findall(r'name="step-\d-days"', visitor.get(path).text)) == 6
    assert save(visitor, path, **lines(("14", "30"), ("", ""))).status_code == 302
    assert steps_of(site) == [(14, 30), (1, 100), (0, 100)]


@pytest.mark.rule("S27", "X8")
@pytest.mark.parametrize(
    ("typed", "field", "text"),
    [
        ([("14", "30"), ("", ""), ("7", "20")], "step-2-percent", "kostet schon 30"),
        ([("", ""), ("7", "30"), ("7", "50")], "step-2-days", "beginnt schon 7 Tage vorher"),
        ([("14", "")], "step-0-percent", "Angabe fehlt"),
        ([("366", "30")], "step-0-days", "von 0 bis 365"),
        ([("3", "halb")], "step-0-percent", "von 0 bis 100"),
    ],
)
def test_what_is_wrong_is_named_at_its_line_and_nothing_typed_is_lost(
    site: "Site", visitor: "Visitor", typed: list[tuple[str, str]], field: str, text: str
) -> None:
    save(visitor, page_of(site), **lines(("2", "90")))
    answer = save(visitor, page_of(site), **lines(*typed))
    assert answer.status_code == 422
    error = re.search(rf'id="{field}-error">(.*?)</p>', answer.text, re.DOTALL)
    assert error is not None, answer.text
    assert text in error[1]
    for name, value in lines(*typed).items():
        assert re.search(rf'value="{value}"[^>]* name="{name}"', answer.text), name
    assert steps_of(site) == [(2, 90)]


@pytest.mark.rule("S27", "X5")
def test_the_audit_log_tells_the_steps_in_words(site: "Site", visitor: "Visitor") -> None:
    save(visitor, page_of(site), **lines(("14", "30"), ("7", "50")))
    log = visitor.get("/office/settings/audit").text
    assert "Stufen beim Stornieren" in log
    assert "14 Tage vorher: 30 %; 7 Tage vorher: 50 %" in log


@pytest.mark.rule("R2")
def test_only_the_administration_sets_steps(site: "Site") -> None:
    assert site.logged_in(Role.OFFICE).get(page_of(site)).status_code == 403
