"""What each process of `up` imports anyway, by name, so that the nursery can import it for all of them.

Modules alone: none of them starts a thread or opens anything. What is missing here costs time, nothing else.
"""

from typing import Final

PREPARATION: Final = (
    "platzwart.cli",
    "sqlalchemy.orm",
    "sqlalchemy.dialects.sqlite",
    "booking.tables.database",
    "platzwart.prepare",
)
# What a web process needs to tell that it is ready; it loads the rest beside its first answers.
PROBES: Final = ("flask", "web.security", "web.wsgi", "web.health")
PAGES: Final = ("web.hot_feeds", "web.login", "web.portal")
WEB: Final = ("platzwart.cli", "platzwart.web_server", *PROBES)
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
    *PAGES,
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
LATER: Final = (*MAIL_SINK, *WORK, *REST_OF_THE_WEB)
