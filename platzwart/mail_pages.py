"""The sink's pages: values in, HTML or JSON out. German; everything from a mail is escaped or stays in a sandbox."""

import json
from collections.abc import Iterable
from typing import Any, Final

from jinja2 import DictLoader, Environment, StrictUndefined

from platzwart.mail_store import Mail

SHOWN_HEADERS = {
    "From": "Von",
    "To": "An",
    "Cc": "Kopie",
    "Reply-To": "Antwort an",
    "Date": "Datum",
    "Message-ID": "Message-ID",
    "In-Reply-To": "Antwort auf",
    "List-Unsubscribe": "Abbestellen",
}

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #5b6475; --line: #dfe3ea; --paper: #fff; --ground: #f4f6f9;
  --mark: #0b6e4f; --mark-soft: #e5f3ee; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf0; --soft: #a3acbb; --line: #343c4a; --paper: #1d232d;
  --ground: #151a21; --mark: #6fd0ae; --mark-soft: #1d3a31; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
header, main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { padding-top: 1.5rem; padding-bottom: 0; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: 0 0 .5rem; } .soft { color: var(--soft); font-size: .9rem; }
a { color: var(--mark); } a:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; border-radius: 4px; }
ol, ul.parts { list-style: none; margin: 0; padding: 0; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; }
ol li { border-bottom: 1px solid var(--line); } ol li:last-child { border: 0; }
ol.card { padding: 0; overflow: hidden; }
ol a { display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; padding: .75rem 1rem; text-decoration: none;
  color: inherit; }
ol a:hover { background: var(--mark-soft); } ol a:focus-visible { outline-offset: -3px; }
ol b { overflow-wrap: anywhere; font-weight: 600; } ol .what { grid-column: 1 / -1; }
time { color: var(--soft); font-size: .9rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
iframe { width: 100%; height: 36rem; border: 1px solid var(--line); border-radius: 10px; background: #fff; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: .92rem/1.5 ui-monospace, "DejaVu Sans Mono",
  monospace; }
ul.parts { display: flex; flex-wrap: wrap; gap: .5rem; }
ul.parts a { display: block; padding: .4rem .75rem; background: var(--mark-soft); border-radius: 8px; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
"""

TEMPLATES: Final = {
    "frame": """<!doctype html>
<html lang="de"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{% block title %}{% endblock %}</title><link rel="stylesheet" href="/style.css"></head>
<body>{% block body %}{% endblock %}</body></html>""",
    "list": """{% extends "frame" %}{% block title %}Postausgang von Platzwart{% endblock %}{% block body %}
<header><h1>Postausgang</h1>
<p class="soft">Diese Mails hat Platzwart geschickt. Sie liegen nur hier; niemand hat sie empfangen.
{{ total }} {{ "Mail" if total == 1 else "Mails" }}{% if total > mails|length %}, die neuesten {{ mails|length }}
sind aufgeführt{% endif %}. <a href="/">Neu laden</a></p></header>
<main>{% if mails %}<ol class="card">{% for mail in mails %}
<li><a href="/mail/{{ mail.mail_id }}"><b>{{ mail.header("Subject") or "(ohne Betreff)" }}</b>
<time datetime="{{ mail.received_at.isoformat() }}">{{ mail.received_at|moment }}</time>
<span class="soft what">an {{ mail.envelope_to|join(", ") }}{% if mail.parts %} ·
{{ mail.parts|length }} {{ "Anhang" if mail.parts|length == 1 else "Anhänge" }}{% endif %}</span></a></li>
{% endfor %}</ol>{% else %}<div class="card"><p>Noch keine Mails. Sobald jemand eine Zeit anfragt,
erscheint die Bestätigung hier.</p></div>{% endif %}</main>{% endblock %}""",
    "mail": """{% extends "frame" %}{% block title %}{{ mail.header("Subject") or "Mail" }}{% endblock %}
{% block body %}<header><p><a href="/">← Postausgang</a></p>
<h1>{{ mail.header("Subject") or "(ohne Betreff)" }}</h1></header>
<main><div class="card"><dl>
<dt>Angenommen</dt><dd><time datetime="{{ mail.received_at.isoformat() }}">{{ mail.received_at|moment }}</time></dd>
<dt>Zugestellt an</dt><dd>{{ mail.envelope_to|join(", ") }}</dd>
{% for name, label in shown.items() if mail.header(name) %}<dt>{{ label }}</dt><dd>{{ mail.header(name) }}</dd>
{% endfor %}
</dl></div>
{% if mail.parts %}<h2>Anhänge</h2><ul class="parts">{% for part in mail.parts %}
<li><a href="/mail/{{ mail.mail_id }}/part/{{ part.number }}">{{ part.name }}
<span class="soft">{{ part.content|length|filesizeformat }}</span></a></li>{% endfor %}</ul>{% endif %}
{% if mail.html %}<h2>Ansicht</h2>
<iframe sandbox title="Inhalt der Mail" src="/mail/{{ mail.mail_id }}/html"></iframe>{% endif %}
{% if mail.text %}<h2>Text</h2><div class="card"><pre>{{ mail.text }}</pre></div>{% endif %}
<h2>Quelltext</h2><p><a href="/mail/{{ mail.mail_id }}/raw">Mail, wie sie ankam</a></p></main>{% endblock %}""",
    "missing": """{% extends "frame" %}{% block title %}Nicht gefunden{% endblock %}{% block body %}
<header><h1>Diese Mail gibt es nicht</h1></header>
<main><p><a href="/">Zum Postausgang</a></p></main>{% endblock %}""",
}

_environment = Environment(loader=DictLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
_environment.filters["moment"] = lambda instant: instant.astimezone().strftime("%d.%m.%Y, %H:%M:%S")


def list_page(mails: Iterable[Mail], total: int) -> bytes:
    return _environment.get_template("list").render(mails=list(mails), total=total).encode()


def mail_page(mail: Mail) -> bytes:
    return _environment.get_template("mail").render(mail=mail, shown=SHOWN_HEADERS).encode()


def missing_page() -> bytes:
    return _environment.get_template("missing").render().encode()


def sandboxed_html(mail: Mail) -> bytes:
    """The mail's HTML as sent, with inline images pointing to their parts."""
    html = mail.html
    for part in mail.parts:
        if part.content_id:
            html = html.replace(f"cid:{part.content_id}", f"/mail/{mail.mail_id}/part/{part.number}")
    return html.encode()


def mails_json(mails: Iterable[Mail]) -> bytes:
    """The mails in the order given, with texts decoded; attachments by name, type, size and address."""
    return json.dumps([_as_json(mail) for mail in mails], ensure_ascii=False).encode()


def _as_json(mail: Mail) -> dict[str, Any]:
    return {
        "id": mail.mail_id,
        "url": f"/mail/{mail.mail_id}",
        "raw_url": f"/mail/{mail.mail_id}/raw",
        "received_at": mail.received_at.isoformat(),
        "envelope_from": mail.envelope_from,
        "envelope_to": list(mail.envelope_to),
        "subject": mail.header("Subject"),
        "headers": dict(mail.headers),
        "text": mail.text,
        "html": mail.html,
        "attachments": [
            {
                "name": part.name,
                "type": part.content_type,
                "size": len(part.content),
                "url": f"/mail/{mail.mail_id}/part/{part.number}",
            }
            for part in mail.parts
        ],
    }
