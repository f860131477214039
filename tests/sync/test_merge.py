"""Disjoint changes merge by field and by occurrence; the same field goes to its owner, and the loser is kept (C7)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ical.item import Details, Item, Moment, Recurrence, Status
from sync.content import same
from sync.merge import Merged, Version, merge
from sync.values import Field, Owner, Side
from tests.fixtures.soak import scale
from tests.sync.simulator import ROOMY, changed, details, item, moment, moved, series

pytestmark = pytest.mark.rule("C7")

BASE = item(location="Hall", description="Notes", url="https://example.org")
VALUES: dict[Field, tuple[dict[str, object], dict[str, object]]] = {
    Field.SUMMARY: ({"summary": "A"}, {"summary": "B"}),
    Field.LOCATION: ({"location": "A"}, {"location": "B"}),
    Field.DESCRIPTION: ({"description": "A"}, {"description": "B"}),
    Field.URL: ({"url": "https://a"}, {"url": "https://b"}),
    Field.STATUS: ({"status": Status.TENTATIVE}, {"status": Status.CANCELLED}),
    Field.TIME: (
        {"start": moment(details(timedelta(days=11)).start.instant), "end": details(timedelta(days=11)).end},
        {"start": moment(details(timedelta(days=12)).start.instant), "end": details(timedelta(days=12)).end},
    ),
}
WEEK = timedelta(days=7)


def of(base: Item, ours: Item, theirs: Item, owner: Owner = Owner.EITHER_LOCAL) -> Merged:
    return merge(Version(base, ours), Version(base, theirs), lambda _field: owner)


@pytest.mark.parametrize("other", VALUES)
@pytest.mark.parametrize("one", VALUES)
def test_two_different_fields_merge_on_both_sides(one: Field, other: Field) -> None:
    if one is other:
        return
    merged = of(BASE, changed(BASE, **VALUES[one][0]), changed(BASE, **VALUES[other][1]))
    both = changed(BASE, **VALUES[one][0], **VALUES[other][1])
    assert same(merged.ours, both)
    assert same(merged.theirs, both)
    assert merged.conflicts == ()


@pytest.mark.parametrize("owner", Owner)
@pytest.mark.parametrize("of_field", VALUES)
def test_the_same_field_goes_to_its_owner_and_the_loser_is_kept(of_field: Field, owner: Owner) -> None:
    ours, theirs = (changed(BASE, **value) for value in VALUES[of_field])
    merged = of(BASE, ours, theirs, owner)
    winner = Side.LOCAL if owner in {Owner.LOCAL, Owner.EITHER_LOCAL} else Side.REMOTE
    held = ours if winner is Side.LOCAL else theirs
    assert same(merged.ours, held)
    assert same(merged.theirs, held)
    [conflict] = merged.conflicts
    assert (conflict.field, conflict.winner, conflict.occurrence) == (of_field, winner, "")
    assert conflict.ours != conflict.theirs


@pytest.mark.parametrize("of_field", VALUES)
def test_a_field_with_one_master_is_put_back_where_the_other_side_changed_it(of_field: Field) -> None:
    theirs = changed(BASE, **VALUES[of_field][0])
    assert same(of(BASE, BASE, theirs, Owner.LOCAL).theirs, BASE)
    assert of(BASE, BASE, theirs, Owner.LOCAL).conflicts[0].winner is Side.LOCAL
    assert same(of(BASE, theirs, BASE, Owner.REMOTE).ours, BASE)
    assert same(of(BASE, BASE, theirs, Owner.EITHER_LOCAL).ours, theirs)
    assert of(BASE, BASE, theirs, Owner.EITHER_LOCAL).conflicts == ()


def test_each_side_is_compared_with_its_own_form() -> None:
    """A server that keeps no description: that it has none is no change."""
    theirs = changed(BASE, description="")
    merged = merge(
        Version(BASE, moved(BASE, timedelta(hours=1))), Version(theirs, theirs), lambda _field: Owner.EITHER_REMOTE
    )
    assert same(merged.ours, moved(BASE, timedelta(hours=1)))
    assert same(merged.theirs, moved(theirs, timedelta(hours=1)))


def test_the_same_change_on_both_sides_is_no_conflict() -> None:
    both = changed(BASE, summary="A")
    assert of(BASE, both, both).conflicts == ()


def test_the_same_instant_written_in_another_zone_is_no_change() -> None:
    start, end = BASE.master.start, BASE.master.end  # type: ignore[union-attr] # it has a master
    utc = changed(
        BASE,
        **{
            name: Moment(one.instant.replace(tzinfo=None), "UTC", one.instant)
            for name, one in (("start", start), ("end", end))
        },
    )
    assert same(BASE, utc)
    assert not same(
        replace(BASE, recurrence=Recurrence("FREQ=DAILY")), replace(utc, recurrence=Recurrence("FREQ=DAILY"))
    )


# -- series


def date(weeks: int) -> Moment:
    return moment(details(ROOMY + weeks * WEEK).start.instant)


def part(weeks: int, **more: object) -> dict[str, Details]:
    return {date(weeks).key: details(ROOMY + weeks * WEEK, **more)}  # type: ignore[arg-type] # fields of Details


def without(one: Item, *weeks: int) -> Item:
    assert one.recurrence is not None
    return replace(one, recurrence=replace(one.recurrence, left_out=tuple(map(date, weeks))))


def test_different_occurrences_merge() -> None:
    base = series()
    ours = replace(base, overrides=part(1, summary="Final"))
    theirs = without(replace(base, overrides=part(2, summary="Away")), 3)
    merged = of(base, ours, theirs)
    both = without(replace(base, overrides=part(1, summary="Final") | part(2, summary="Away")), 3)
    assert same(merged.ours, both)
    assert same(merged.theirs, both)
    assert merged.conflicts == ()


def test_dates_left_out_on_both_sides_add_up() -> None:
    base = without(series(), 1)
    merged = of(base, without(series(), 1, 2), without(series(), 1, 3))
    assert same(merged.ours, without(series(), 1, 2, 3))
    assert same(of(base, series(), without(series(), 1, 3)).theirs, without(series(), 3))


def test_one_occurrence_merges_by_field() -> None:
    base = replace(series(), overrides=part(1))
    ours, theirs = part(1, summary="Final"), part(1, location="Hall B")
    merged = of(base, replace(base, overrides=ours), replace(base, overrides=theirs))
    assert same(merged.ours, replace(base, overrides=part(1, summary="Final", location="Hall B")))
    assert merged.conflicts == ()


@pytest.mark.parametrize(("owner", "winner"), [(Owner.EITHER_LOCAL, Side.LOCAL), (Owner.REMOTE, Side.REMOTE)])
def test_an_occurrence_changed_here_and_left_out_there_goes_to_its_owner(owner: Owner, winner: Side) -> None:
    base = replace(series(), overrides=part(1))
    ours, theirs = replace(base, overrides=part(1, summary="Final")), without(replace(base, overrides={}), 1)
    merged = of(base, ours, theirs, owner)
    held = ours if winner is Side.LOCAL else theirs
    assert same(merged.ours, held)
    assert same(merged.theirs, held)
    [conflict] = merged.conflicts
    assert (conflict.field, conflict.occurrence, conflict.winner) == (Field.OCCURRENCE, date(1).key, winner)


def test_an_override_that_one_side_removed_goes() -> None:
    base = replace(series(), overrides=part(1, summary="Final"))
    merged = of(base, base, replace(base, overrides={}))
    assert same(merged.ours, series())


def test_added_dates_merge() -> None:
    def with_dates(*weeks: int) -> Item:
        return series(recurrence=Recurrence("FREQ=DAILY;UNTIL=20261101T000000Z", tuple(map(date, weeks))))

    merged = of(with_dates(1), with_dates(1, 2), with_dates(3))
    assert same(merged.ours, with_dates(2, 3))
    assert same(merged.theirs, with_dates(2, 3))


def test_a_rule_and_a_title_merge() -> None:
    theirs = series(rule="FREQ=WEEKLY;UNTIL=20270301T000000Z")
    merged = of(series(), changed(series(), summary="Final"), theirs)
    assert same(merged.ours, changed(theirs, summary="Final"))


@pytest.mark.parametrize(("owner", "winner"), [(Owner.EITHER_LOCAL, Side.LOCAL), (Owner.EITHER_REMOTE, Side.REMOTE)])
def test_a_series_moved_here_and_redated_there_is_never_mixed(owner: Owner, winner: Side) -> None:
    base = series()
    ours = changed(moved(base, timedelta(hours=1)), location="Hall")
    theirs = without(changed(base, summary="Final"), 2)
    merged = of(base, ours, theirs, owner)
    shape = moved(base, timedelta(hours=1)) if winner is Side.LOCAL else without(base, 2)
    assert same(merged.ours, changed(shape, location="Hall", summary="Final"))
    assert same(merged.theirs, merged.ours)
    assert [(one.field, one.winner) for one in merged.conflicts] == [(Field.RECURRENCE, winner)]


def test_a_series_that_became_one_date_has_no_dates_of_its_own() -> None:
    base = replace(series(), overrides=part(1, summary="Final"))
    merged = of(base, base, replace(base, recurrence=None, overrides={}))
    assert merged.ours.recurrence is None
    assert merged.ours.overrides == {}


def test_a_part_of_a_series_that_lies_elsewhere_merges_too() -> None:
    base = Item("o1", None, overrides=part(1) | part(2))
    ours = replace(base, overrides=part(1, summary="A") | part(2))
    theirs = replace(base, overrides=part(1) | part(2, summary="B"))
    both = replace(base, overrides=part(1, summary="A") | part(2, summary="B"))
    assert same(of(base, ours, theirs).ours, both)


# -- laws

_TEXT = st.sampled_from(["", "A", "B"])
_DETAILS = st.builds(
    lambda hours, **texts: details(ROOMY + timedelta(hours=hours), **texts),
    st.integers(0, 2),
    summary=_TEXT,
    location=_TEXT,
    status=st.sampled_from(Status),
    is_busy=st.booleans(),
)


@st.composite
def items(draw: st.DrawFn) -> Item:
    recurrence = draw(
        st.none()
        | st.builds(
            lambda rule, out: Recurrence(rule, (), tuple(date(week) for week in sorted(out))),
            st.sampled_from(["FREQ=WEEKLY", "FREQ=WEEKLY;COUNT=9"]),
            st.sets(st.integers(1, 3), max_size=2),
        )
    )
    parts = draw(st.dictionaries(st.sampled_from([date(week).key for week in (4, 5)]), _DETAILS)) if recurrence else {}
    return Item("u1", draw(_DETAILS), recurrence, parts)


@settings(max_examples=scale(2_000), deadline=None, derandomize=True)
@given(base=items(), ours=items(), theirs=items(), owner=st.sampled_from(Owner))
def test_laws_of_the_merge(base: Item, ours: Item, theirs: Item, owner: Owner) -> None:
    merged = of(base, ours, theirs, owner)
    assert same(merged.ours, merged.theirs)  # with one base for both, both end equal
    again = of(base, merged.ours, theirs, owner)
    assert same(again.theirs, merged.theirs)  # half of it done before a crash changes nothing
    assert same(of(base, ours, merged.theirs, owner).ours, merged.ours)
    settled = merge(Version(merged.ours, merged.ours), Version(merged.theirs, merged.theirs), lambda _field: owner)
    assert same(settled.ours, merged.ours)
    assert settled.conflicts == ()
    if owner is Owner.EITHER_LOCAL:
        assert same(of(base, ours, base, owner).theirs, ours)
        assert same(of(base, base, theirs, owner).ours, theirs)
        mirrored = of(base, theirs, ours, Owner.EITHER_REMOTE)
        assert same(mirrored.ours, merged.ours)
