"""The stand-in's public pages: a person books, moves or cancels. German, or English where the browser asks for it."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from platzwart.peers.ycbm_api import Reply, Request, moment_of
from platzwart.peers.ycbm_offers import is_free, starts
from platzwart.peers.ycbm_world import (
    BOOKER,
    Booking,
    MissingError,
    Page,
    UnavailableError,
    UnreadCalendarError,
    World,
    zulu,
)

DAYS_SHOWN = 21
MOST_SLOTS = 4
QUESTIONS = {"FNAME": "text", "LNAME": "text", "EMAIL": "email", "PHONE": "tel"}
REQUIRED = frozenset({"FNAME", "EMAIL"})
TEXTS = {
    "de": {
        "pages": "Buchungsseiten (Nachbau von YouCanBook.me)",
        "start": "Beginn",
        "hours": "Zeiteinheiten",
        "FNAME": "Vorname",
        "LNAME": "Nachname",
        "EMAIL": "E-Mail",
        "PHONE": "Telefon",
        "book": "Buchen",
        "booking": "Buchung",
        "cancelled": "Diese Buchung ist storniert.",
        "waiting": "Wartet auf Bestätigung.",
        "rejected": "Diese Buchung wurde abgelehnt.",
        "stands": "Diese Buchung gilt.",
        "cancel": "Stornieren",
        "reason": "Grund",
        "move": "Verschieben",
        "taken": "Diese Zeit ist inzwischen vergeben. Bitte wählen Sie eine andere.",
        "missing": "Diese Seite gibt es nicht.",
        "unread": "Die freien Zeiten lassen sich gerade nicht lesen.",
        "incomplete": "Bitte füllen Sie alle Pflichtfelder aus.",
    },
    "en": {
        "pages": "Booking pages (a stand-in for YouCanBook.me)",
        "start": "Start",
        "hours": "Units of time",
        "FNAME": "First name",
        "LNAME": "Last name",
        "EMAIL": "E-mail",
        "PHONE": "Phone",
        "book": "Book",
        "booking": "Booking",
        "cancelled": "This booking is cancelled.",
        "waiting": "Waiting for confirmation.",
        "rejected": "This booking was rejected.",
        "stands": "This booking stands.",
        "cancel": "Cancel",
        "reason": "Reason",
        "move": "Move",
        "taken": "This time is taken by now. Please choose another.",
        "missing": "There is no such page.",
        "unread": "The free times cannot be read at this moment.",
        "incomplete": "Please fill in all required fields.",
    },
}
STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem}"
    "label{display:block;margin:.6rem 0}input,select,button{font:inherit;display:block;width:100%;padding:.4rem;"
    "box-sizing:border-box}button{margin-top:1rem}"
)


def answer_page(world: World, request: Request) -> Reply:
    """`/`, `/SUBDOMAIN`, `/booking/REF/SECRET` and the forms on them."""
    texts = TEXTS["en" if request.headers.get("Accept-Language", "de").lower().startswith("en") else "de"]
    try:
        return _route(world, request, texts)
    except UnavailableError:
        return _html(texts, texts["taken"], "", 409)
    except MissingError:
        return _html(texts, texts["missing"], "", 404)
    except UnreadCalendarError:
        return _html(texts, texts["unread"], "", 503)
    except (ValueError, KeyError):
        return _html(texts, texts["incomplete"], "", 400)


def _route(world: World, request: Request, texts: Mapping[str, str]) -> Reply:
    form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    if request.path == "/":
        return _index(world, texts)
    if found := re.fullmatch(r"/booking/([^/]+)/([^/]+)(?:/(cancel|move))?", request.path):
        return _manage(world, request, found.groups(), form, texts)
    page = _page_of(world, request.path.strip("/"))
    if request.method == "POST":
        return _book(world, page, form)
    return _form(world, page, texts)


def _index(world: World, texts: Mapping[str, str]) -> Reply:
    links = (f'<li><a href="/{escape(p.subdomain)}">{escape(p.title)}</a></li>' for p in world.pages.values())
    return _html(texts, texts["pages"], f"<ul>{''.join(links)}</ul>")


def _page_of(world: World, subdomain: str) -> Page:
    for page in world.pages.values():
        if page.subdomain == subdomain:
            return page
    raise MissingError(subdomain)


def _form(world: World, page: Page, texts: Mapping[str, str]) -> Reply:
    questions = "".join(
        f'<label>{texts[code]}<input name="{code}" type="{kind}"{" required" if code in REQUIRED else ""}></label>'
        for code, kind in QUESTIONS.items()
    )
    counts = "".join(f"<option>{count}</option>" for count in range(1, MOST_SLOTS + 1))
    body = (
        f'<form method="post" action="/{escape(page.subdomain)}">'
        f'<label>{texts["start"]}<select name="start">{_options(world, page)}</select></label>'
        f'<label>{texts["hours"]} ({page.minutes} min)<select name="slots">{counts}</select></label>'
        f"{questions}<button>{texts['book']}</button></form>"
    )
    return _html(texts, page.title, body)


def _book(world: World, page: Page, form: Mapping[str, str]) -> Reply:
    if any(not form.get(code, "").strip() for code in REQUIRED):
        raise ValueError("required")
    start = moment_of(form["start"], page.zone)
    count = min(max(int(form.get("slots", "1")), 1), MOST_SLOTS)
    answers = {code: form[code] for code in QUESTIONS if form.get(code)}
    booking = world.book(page.id, start, start + timedelta(minutes=page.minutes * count), answers)
    return _see(booking)


def _manage(
    world: World,
    request: Request,
    found: tuple[str | None, ...],
    form: Mapping[str, str],
    texts: Mapping[str, str],
) -> Reply:
    ref, secret, act = found
    booking = world.booking(ref or "")
    if booking.booker_secret != secret:
        raise MissingError(ref)
    if request.method != "POST":
        return _show(world, booking, texts)
    if act == "cancel":
        world.cancel(booking.id, BOOKER, form.get("reason", ""))
    elif act == "move":
        start = moment_of(form["start"], booking.zone)
        world.move(booking.id, start, start + (booking.ends - booking.starts), BOOKER)
    return _see(booking)


def _show(world: World, booking: Booking, texts: Mapping[str, str]) -> Reply:
    path = f"/booking/{booking.ref}/{booking.booker_secret}"
    when = f"{_spoken(booking.starts, booking.zone)} - {booking.ends.astimezone(ZoneInfo(booking.zone)):%H:%M}"
    forms = "" if booking.cancelled else (
        f'<form method="post" action="{path}/move"><label>{texts["start"]}'
        f'<select name="start">{_options(world, world.pages[booking.profile_id])}</select></label>'
        f"<button>{texts['move']}</button></form>"
        f'<form method="post" action="{path}/cancel"><label>{texts["reason"]}<input name="reason"></label>'
        f"<button>{texts['cancel']}</button></form>"
    )  # fmt: skip
    body = f"<p>{escape(booking.title)}</p><p>{when}</p><p><strong>{texts[_state(booking)]}</strong></p>{forms}"
    return _html(texts, f"{texts['booking']} {booking.ref}", body)


def _state(booking: Booking) -> str:
    if booking.cancelled:
        return "cancelled"
    return {"UNDECIDED": "waiting", "REJECTED": "rejected"}.get(booking.tentative, "stands")


def _options(world: World, page: Page) -> str:
    return "".join(
        f'<option value="{zulu(start)}">{_spoken(start, page.zone)}</option>'
        for start in starts(world.clock(), page, None, DAYS_SHOWN)
        if is_free(world, page, start, timedelta(minutes=page.minutes))
    )


def _spoken(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%d.%m.%Y %H:%M}"


def _see(booking: Booking) -> Reply:
    return Reply(303, headers={"Location": f"/booking/{booking.ref}/{booking.booker_secret}"})


def _html(texts: Mapping[str, str], title: str, body: str, status: int = 200) -> Reply:
    language = "en" if texts is TEXTS["en"] else "de"
    page = (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{escape(title)}</title><style>{STYLE}</style>'
        f"<main><h1>{escape(title)}</h1>{body}</main></html>"
    )
    return Reply(status, page.encode(), "text/html; charset=utf-8")
