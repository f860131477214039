"""Imprint, privacy, accessibility, terms and house rules, each with its versions (SPEC S4, X9)."""

from flask import Blueprint, abort, render_template, request

from booking.reads.house import House
from booking.reads.status import LegalText, legal_versions
from booking.tables.houses import TermsKind
from web.access import public
from web.i18n import language
from web.portal.frame import kind_name, version_link
from web.request import house, now, read

blueprint = Blueprint("portal_legal", __name__)


@blueprint.get("/terms/<kind>")
@public
def page(kind: str) -> str:
    """The version that the address names, else the newest, in the reader's language where there is one."""
    known = _kind(kind)
    here = house()
    versions = legal_versions(read(), here.organisation_id, now(), known)
    shown = _shown(versions, here)
    if shown is None and known is not TermsKind.IMPRINT:
        abort(404)
    earlier = [text for text in versions if shown and text.language == shown.language and text != shown]
    return render_template(
        "portal/legal.html",
        title=kind_name(known),
        shown=shown,
        versions=[(text, version_link(text)) for text in earlier],
        letterhead=here.letterhead,
    )


def _kind(text: str) -> TermsKind:
    try:
        return TermsKind(text)
    except ValueError:
        abort(404)


def _shown(versions: tuple[LegalText, ...], here: House) -> LegalText | None:
    wanted = request.args.get("version", type=int)
    matching = [text for text in versions if wanted in {None, text.version}]
    for spoken in (request.args.get("language"), language(), here.language):
        found = next((text for text in matching if text.language == spoken), None)
        if found:
            return found
    return matching[0] if matching else None
