"""What each process of `up` imports anyway, by name, so that the nursery can import it for all of them.

Modules alone: none of them starts a thread or opens anything. What is missing here costs time, nothing else.
"""

from typing import Final

PREPARATION: Final = (
    "platzwart.cli",
    "sqlalchemy.orm",
    "booking.tables.database",
    "booking.tables.registry",
    "platzwart.prepare",
)
# What a web process needs for its first answers; it loads the rest after them.
FIRST_PAGES: Final = ("flask", "web.security", "web.wsgi", "web.health", "web.login", "web.portal")
WEB: Final = ("platzwart.cli", "platzwart.web_server", *FIRST_PAGES)
STAND_IN: Final = ("platzwart.cli", "platzwart.web_server")
WORK: Final = (
    "platzwart.cli",
    "platzwart.rq_worker",
    "workers.outbox",
    "workers.ycbm",
    "workers.links",
    "workers.link_wishes",
    "workers.tick",
    "platzwart.tick",
)
MAIL_SINK: Final = ("platzwart.cli", "platzwart.mail_sink")
REST_OF_THE_WEB: Final = (
    "web.limits",
    "flask_limiter",
    "web.api",
    "web.described",
    "web.hooks",
    "web.desk",
    "web.office",
    "holidays",
    "phonenumbers",
    "email_validator",
    "segno",
    "outside.ycbm",
)
# In this order, while nobody asks for a child.
LATER: Final = (*WORK, *MAIL_SINK, *REST_OF_THE_WEB)
