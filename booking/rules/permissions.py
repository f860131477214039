"""What each role may do, and how far it reaches. One table, default deny (SPEC R1 to R5)."""

from enum import StrEnum

from booking.values.states import Role


class Capability(StrEnum):
    """One thing that a route or a call of the API asks for by name."""

    REVIEW = "review"
    BOOKINGS = "bookings"
    CASES = "cases"
    CLOSURES = "closures"
    DOORS_READ = "doors.read"
    DOORS_MANAGE = "doors.manage"
    DESK_FIND = "desk.find"
    DESK_ISSUE = "desk.issue"
    CUSTOMERS = "customers"
    DISCOUNTS = "discounts"
    INVOICES = "invoices"
    PAYMENTS = "payments"
    FEEDS_OWN = "feeds.own"
    FEEDS_OFFICE = "feeds.office"
    MAILS_READ = "mails.read"
    MAILS_RESEND = "mails.resend"
    MAILS_SHOW_CODE = "mails.show_code"
    LINKS = "links"
    YCBM = "links.ycbm"
    SETTINGS = "settings"
    PRICES = "prices"
    COURSES = "courses"
    STAFF = "staff"
    AUDIT_RECORD = "audit.record"
    AUDIT_ALL = "audit.all"
    ROLES_READ = "roles.read"
    API_TOKENS = "api.tokens"
    KEYS = "keys"
    OWNERSHIP = "ownership"
    ORGANISATION_DELETE = "organisation.delete"


class Scope(StrEnum):
    """OWN: the person's own things. DOORS: the desk's doors and next days. ORGANISATION: every row of the tenant."""

    OWN = "own"
    DOORS = "doors"
    ORGANISATION = "organisation"


_OFFICE: dict[Capability, Scope] = {
    Capability.REVIEW: Scope.ORGANISATION,
    Capability.BOOKINGS: Scope.ORGANISATION,
    Capability.CASES: Scope.ORGANISATION,
    Capability.CLOSURES: Scope.ORGANISATION,
    Capability.DOORS_READ: Scope.ORGANISATION,
    Capability.DOORS_MANAGE: Scope.ORGANISATION,
    Capability.DESK_FIND: Scope.ORGANISATION,
    Capability.DESK_ISSUE: Scope.ORGANISATION,
    Capability.CUSTOMERS: Scope.ORGANISATION,
    Capability.DISCOUNTS: Scope.ORGANISATION,
    Capability.INVOICES: Scope.ORGANISATION,
    Capability.PAYMENTS: Scope.ORGANISATION,
    Capability.FEEDS_OWN: Scope.OWN,
    Capability.FEEDS_OFFICE: Scope.ORGANISATION,
    Capability.MAILS_READ: Scope.ORGANISATION,
    Capability.MAILS_RESEND: Scope.ORGANISATION,
    Capability.MAILS_SHOW_CODE: Scope.ORGANISATION,
    Capability.AUDIT_RECORD: Scope.ORGANISATION,
}

_ADMIN: dict[Capability, Scope] = _OFFICE | {
    Capability.LINKS: Scope.ORGANISATION,
    Capability.YCBM: Scope.ORGANISATION,
    Capability.SETTINGS: Scope.ORGANISATION,
    Capability.PRICES: Scope.ORGANISATION,
    Capability.COURSES: Scope.ORGANISATION,
    Capability.STAFF: Scope.ORGANISATION,
    Capability.AUDIT_ALL: Scope.ORGANISATION,
    Capability.ROLES_READ: Scope.ORGANISATION,
    Capability.API_TOKENS: Scope.ORGANISATION,
}

TABLE: dict[Role, dict[Capability, Scope]] = {
    Role.OWNER: _ADMIN
    | {
        Capability.KEYS: Scope.ORGANISATION,
        Capability.OWNERSHIP: Scope.ORGANISATION,
        Capability.ORGANISATION_DELETE: Scope.ORGANISATION,
    },
    Role.ADMIN: _ADMIN,
    Role.OFFICE: _OFFICE,
    Role.DESK: {
        Capability.DOORS_READ: Scope.DOORS,
        Capability.DESK_FIND: Scope.DOORS,
        Capability.DESK_ISSUE: Scope.DOORS,
    },
}


def scope_of(role: Role, capability: Capability) -> Scope | None:
    """How far the role reaches with this capability; None where the table has no entry."""
    return TABLE.get(role, {}).get(capability)


def may(role: Role, capability: Capability) -> bool:
    return scope_of(role, capability) is not None
