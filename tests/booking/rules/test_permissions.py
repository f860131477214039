"""One table says what each role may do (SPEC R1 to R5)."""

import pytest

from booking.rules.permissions import TABLE, Capability, Scope, may, scope_of
from booking.values.states import Role

OWNERS_OWN = {Capability.KEYS, Capability.OWNERSHIP, Capability.ORGANISATION_DELETE}


@pytest.mark.rule("R1")
def test_the_table_has_every_role_and_denies_what_it_does_not_name() -> None:
    assert set(TABLE) == set(Role)
    for role in Role:
        for capability in Capability:
            assert may(role, capability) is (capability in TABLE[role])


@pytest.mark.rule("R1", "R2")
def test_the_owner_may_do_everything_and_the_admin_all_but_what_is_the_owners() -> None:
    assert {capability for capability in Capability if may(Role.OWNER, capability)} == set(Capability)
    assert {capability for capability in Capability if not may(Role.ADMIN, capability)} == OWNERS_OWN


@pytest.mark.rule("R3")
@pytest.mark.parametrize(
    ("capability", "allowed"),
    [
        (Capability.REVIEW, True),
        (Capability.DOORS_READ, True),
        (Capability.DOORS_MANAGE, True),
        (Capability.CUSTOMERS, True),
        (Capability.INVOICES, True),
        (Capability.MAILS_SHOW_CODE, True),
        (Capability.SETTINGS, False),
        (Capability.PRICES, False),
        (Capability.COURSES, False),
        (Capability.STAFF, False),
        (Capability.LINKS, False),
        (Capability.YCBM, False),
        (Capability.API_TOKENS, False),
        (Capability.AUDIT_ALL, False),
        (Capability.ROLES_READ, False),
    ],
)
def test_the_office_works_with_requests_doors_customers_and_invoices(capability: Capability, *, allowed: bool) -> None:
    assert may(Role.OFFICE, capability) is allowed
    assert not any(may(Role.OFFICE, owners) for owners in OWNERS_OWN)


@pytest.mark.rule("R5")
def test_the_desk_may_find_and_issue_at_its_doors_and_nothing_else() -> None:
    assert TABLE[Role.DESK] == {
        Capability.DOORS_READ: Scope.DOORS,
        Capability.DESK_FIND: Scope.DOORS,
        Capability.DESK_ISSUE: Scope.DOORS,
    }
    assert scope_of(Role.DESK, Capability.CUSTOMERS) is None


@pytest.mark.rule("R1")
def test_nobody_reaches_beyond_the_own_feeds_with_the_right_to_own_ones() -> None:
    assert {scope_of(role, Capability.FEEDS_OWN) for role in (Role.OWNER, Role.ADMIN, Role.OFFICE)} == {Scope.OWN}
