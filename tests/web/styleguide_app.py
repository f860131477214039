"""The style guide as a small application of its own: python tests/web/styleguide_app.py [port].

Shows every component with German sample data, under the same content policy as the product.
"""

import io
import sys
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, Response, render_template, request
from flask_bootstrap import Bootstrap5
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, IntegerField, RadioField, SelectField, StringField, TextAreaField, validators
from wtforms.fields.choices import SelectChoice

HERE = Path(__file__).parent
WEB = HERE.parent.parent / "web"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SHELLS = {"all": "office", "hall": "public", "request": "public", "inbox": "office", "desk": "desk", "bare": "bare"}
NAV = ("Heute", "Anfragen", "Kalender", "Türen", "Kunden", "E-Mails", "Einstellungen")
PLACES = {"public": ("Räume", "Kurse", "Mein Konto"), "desk": ("Ausgeben", "Nächste Tage"), "bare": ()}
LANGUAGES = (("de", "Deutsch"), ("en", "English"), ("ru", "Русский"))
LEGAL = ("Impressum", "Datenschutz", "Barrierefreiheit", "Allgemeine Geschäftsbedingungen", "Verträge hier kündigen")


ENTRANCES = [SelectChoice("n", "Haupteingang Nordseite"), SelectChoice("s", "Südseite, barrierefrei")]
WAYS = [SelectChoice("mail", "per E-Mail"), SelectChoice("post", "per Post (2,00 €)")]


class RequestForm(Form):  # type: ignore[misc]  # WTForms is untyped
    name = StringField("Name", [validators.InputRequired("Bitte geben Sie Ihren Namen an.")])
    club = StringField("Verein oder Firma")
    email = StringField(
        "E-Mail", [validators.InputRequired(), validators.Regexp(".+@.+", message="Nach @ fehlt etwas.")]
    )
    phone = StringField("Telefon", [validators.InputRequired("Bitte geben Sie eine Nummer für Rückfragen an.")])
    street = StringField("Straße und Hausnummer", [validators.InputRequired("Die Rechnung braucht eine Anschrift.")])
    postcode = StringField("Postleitzahl", [validators.InputRequired()])
    city = StringField("Ort", [validators.InputRequired()])
    purpose = TextAreaField("Zweck", [validators.InputRequired()])
    people = IntegerField("Anzahl", [validators.InputRequired()])
    entrance = SelectField("Eingang", choices=ENTRANCES)
    way = RadioField("Rechnung", [validators.InputRequired()], choices=WAYS)
    terms = BooleanField("Bedingungen", [validators.InputRequired("Ohne Ihre Zustimmung geht es nicht.")])
    news = BooleanField("Ich möchte ab und zu von freien Zeiten und Angeboten erfahren.")


def german() -> Translations:
    """The German of the shells and macros, compiled in memory."""
    compiled = io.BytesIO()
    with (HERE / "design_de.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale="de"))
    compiled.seek(0)
    return Translations(fp=compiled)


def clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def slots(day: int, length: int) -> list[dict[str, Any]]:
    """Slots of one sample day; the pattern only has to show every state."""
    found = []
    for place, start in enumerate(range(8 * 60, 22 * 60 - length + 1, length)):
        state, reason = "free", None
        if (place * 3 + day * 5) % 7 in {0, 1} or (day == 1 and place < 4):
            state = "taken"
        if day == 2 and place in {4, 5}:
            state, reason = "held", "Turniervorbereitung"
        if day == 0 and place < 3:
            state = "past"
        if day == 4 and place == 7:
            state = "mine"
        times = f"{clock(start)}–{clock(start + length)}"
        evening = start >= 17 * 60
        cents = (42 if evening else 35) * 100 * length // 90
        price = f"{cents // 100},{cents % 100:02d}\N{NO-BREAK SPACE}€"
        found.append(
            {
                "state": state,
                "from_min": start,
                "to_min": start + length,
                "times": times,
                "price": price,
                "cents": cents,
                "value": f"{day}-{start}",
                "reason": reason,
                "note": "Kurzfristig: Bitte rufen Sie nach dem Absenden an." if day == 0 else None,
            }
        )
    return found


def week(length: int) -> dict[str, Any]:
    names = (
        ("Mo", "Montag, 30. November"),
        ("Di", "Dienstag, 1. Dezember"),
        ("Mi", "Mittwoch, 2. Dezember"),
        ("Do", "Donnerstag, 3. Dezember"),
        ("Fr", "Freitag, 4. Dezember"),
        ("Sa", "Samstag, 5. Dezember"),
        ("So", "Sonntag, 6. Dezember"),
    )
    days = []
    for at, (name, label) in enumerate(names):
        closed = "Geschlossen: Adventskonzert der Kirchengemeinde" if at == 3 else None
        here = [] if closed else slots(at, length)
        free = sum(slot["state"] == "free" for slot in here)
        days.append(
            {
                "date": f"2026-{'11-30' if at == 0 else f'12-0{at}'}",
                "name": name,
                "day": f"{30 if at == 0 else at}.",
                "label": label,
                "free": free,
                "today": at == 0,
                "open": at == 0,
                "closed": closed,
                "slots": here,
            }
        )
    return {
        "label": "30. November – 6. Dezember 2026",
        "previous": "/hall?week=48",
        "next": "/hall?week=50",
        "opens": 8 * 60,
        "closes": 22 * 60,
        "days": days,
    }


def lane(start: int, end: int, title: str, **more: object) -> dict[str, object]:
    return {"from_min": start, "to_min": end, "times": f"{clock(start)}–{clock(end)}", "title": title, **more}


def rooms() -> list[dict[str, Any]]:
    return [
        {
            "name": "Großer Saal",
            "items": [
                lane(480, 570, "Schulsport", word="Bestätigt", icon="check", href="#1"),
                lane(600, 690, "Anneliese Großmann-Schöllkopf", word="Angefragt", icon="wait", tone="wait", href="#2"),
                lane(840, 930, "Belegt", word="Sportamt-Kalender", icon="calendar", tone="quiet"),
                lane(
                    1080,
                    1260,
                    "TSV 1862 Unterpfaffenhofen-Germering",
                    word="Überfällig",
                    icon="warn",
                    tone="stop",
                    href="#3",
                ),
            ],
        },
        {
            "name": "Empore und Gymnastikraum",
            "items": [
                lane(540, 600, "Rückenschule", word="Bestätigt", icon="check", href="#4"),
                lane(570, 660, "Yoga", word="Überschneidung", icon="warn", tone="stop", href="#5"),
                lane(1020, 1110, "Kinderturnen", word="Bestätigt", icon="check", href="#6"),
            ],
        },
        {"name": "Seminarraum", "items": []},
    ]


def neighbours() -> list[dict[str, Any]]:
    return [
        {
            "name": "So, 6. Dezember",
            "items": [
                lane(480, 570, "Gottesdienst", word="Geschlossen", icon="lock", tone="quiet"),
                lane(600, 690, "Diese Anfrage", word="Angefragt", icon="wait", tone="wait", here=True),
                lane(720, 810, "FC Bunte Liga", word="Bestätigt", icon="check", href="#7"),
            ],
        }
    ]


def table() -> dict[str, Any]:
    groups = (("Verein", "Verein"), ("Familie", "Familie"), ("Firma", "Firma"))
    people = (
        ("Großmann-Schöllkopf, Anneliese", "Familie", "089 1234567", 4, 5250, "2026-11-28"),
        ("TSV 1862 Unterpfaffenhofen-Germering e. V.", "Verein", "089 7654321", 112, 0, "2026-11-27"),
        ("Константинопольский, Дмитрий", "Familie", "+7 495 1234567", 2, 0, "2026-11-20"),
        ("Betriebssportgemeinschaft Stadtwerke", "Firma", "08141 4011", 31, 126000, "2026-11-14"),
        ("Öztürk, Çiğdem", "Familie", "0176 1112223", 9, 0, "2026-10-30"),
        ("Łukasiewicz, Żaneta", "Familie", "+48 22 1234567", 1, 3500, "2026-09-02"),
    )
    columns = [
        {"key": "name", "label": "Name", "filter": "text", "sort_href": "/?sort=name", "sorted": "ascending"},
        {"key": "group", "label": "Gruppe", "filter": "select", "options": groups, "sort_href": "/?sort=group"},
        {"key": "phone", "label": "Telefon", "filter": "text"},
        {"key": "last", "label": "Zuletzt", "kind": "time", "sort_href": "/?sort=last"},
        {"key": "count", "label": "Buchungen", "kind": "num", "filter": "text", "sort_href": "/?sort=count"},
        {"key": "open", "label": "Offener Betrag", "kind": "money", "sort_href": "/?sort=open"},
        {"key": "mail", "label": "E-Mail", "hidden": True},
    ]
    rows: list[dict[str, Any]] = [
        {
            "href": "#",
            "actions": None,
            "values": {"last": last},
            "cells": {
                "name": name,
                "group": group,
                "phone": phone,
                "count": count,
                "last": f"{last[8:]}.{last[5:7]}.{last[:4]}",
                "open": f"{cents // 100:,},{cents % 100:02d} €".replace(",", ".", cents // 100000),
            },
        }
        for name, group, phone, count, cents, last in people
    ]
    mode = "server" if request.args.get("mode") == "server" else "local"
    if mode == "server":
        wanted = request.args.get("name", "").casefold()
        rows = [row for row in rows if wanted in str(row["cells"]["name"]).casefold()]
    return {"columns": columns, "rows": rows, "mode": mode}


def sample() -> dict[str, Any]:
    form = RequestForm(
        MultiDict(
            {
                "name": "Anneliese Großmann-Schöllkopf",
                "email": "a.grossmann@",
                "people": "12",
                "postcode": "82110",
                "city": "Germering",
                "purpose": "Kindergeburtstag",
                "way": "mail",
                "entrance": "n",
            }
        )
    )
    form.validate()
    length = request.args.get("length", 90, type=int)
    steps = (
        {
            "state": "done",
            "title": "Anfrage eingegangen",
            "when": "So, 29. November, 14:02",
            "text": "Die Zeit ist für Sie vorgemerkt.",
        },
        {
            "state": "now",
            "title": "Wir prüfen",
            "when": "bis Mo, 30. November, 16:00",
            "text": "Am nächsten Arbeitstag.",
        },
        {"state": "next", "title": "Bestätigung mit Zugangscode", "when": "", "text": "per E-Mail, mit Rechnung"},
        {"state": "next", "title": "Ihre Zeit im Großen Saal", "when": "So, 6. Dezember, 10:00–11:30", "text": ""},
    )
    findings = (
        {"weight": "info", "text": "Erste Anfrage dieses Kontakts", "detail": None},
        {"weight": "warn", "text": "Ungewöhnlich viele Personen", "detail": "18 angegeben, der Raum fasst 14."},
        {
            "weight": "stop",
            "text": "Kein Zugangscode für diese Zeit",
            "detail": "Die Saisonliste der Tür „Nordseite“ endet am 5. Dezember.",
        },
    )
    runs = [{"value": 3 + at % 4, "tone": "stop" if at in {11, 12} else "brand"} for at in range(30)]
    return {
        "title": "Bausteine",
        "form": form,
        "steps": steps,
        "findings": findings,
        "runs": runs,
        "week": week(length),
        "rooms": rooms(),
        "neighbours": neighbours(),
        **table(),
    }


def create_app() -> Flask:
    app = Flask(__name__, template_folder=str(WEB / "templates"), static_folder=str(WEB / "static"))
    app.config.update(SECRET_KEY="style guide", BOOTSTRAP_SERVE_LOCAL=True)
    Bootstrap5(app)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    words = german()
    app.jinja_env.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]  # added by the extension

    @app.after_request
    def policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        if response.status_code == 304:
            response.close()  # Werkzeug sends no body then and leaves the opened file to the collector
        return response

    @app.route("/", defaults={"part": "all"})
    @app.route("/<any(hall, request, inbox, desk, bare):part>")
    def show(part: str) -> str:
        nav = [
            {
                "label": label,
                "href": f"/?nav={at}",
                "current": label == ("Anfragen" if part == "inbox" else "Heute"),
                "count": {"Anfragen": 3, "E-Mails": 1}.get(label),
            }
            for at, label in enumerate(NAV)
        ]
        if SHELLS[part] != "office":
            nav = [
                {"label": label, "href": f"/{part}?nav={label}", "current": at == 0}
                for at, label in enumerate(PLACES[SHELLS[part]])
            ]
        toasts = [{"text": "Bestätigt. Die E-Mail geht gleich hinaus.", "action": "/undo", "seconds": 60}]
        return render_template(
            "shells/styleguide.html",
            shell=SHELLS[part],
            part=part,
            sample=sample(),
            nav=nav,
            language="de",
            organisation={"name": "Soccer-Kirche Germering", "home": "/"},
            languages=LANGUAGES,
            legal=[{"label": label, "href": f"/?legal={at}"} for at, label in enumerate(LEGAL)],
            user={"name": "Ute Bergmüller", "role": "Büro", "logout": "/logout"}
            if SHELLS[part] in {"office", "desk"}
            else None,
            toasts=toasts if part == "inbox" else [],
            theme=request.args.get("theme"),
        )

    return app


if __name__ == "__main__":
    create_app().run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8765)
