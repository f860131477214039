"""The application that can describe its API: what it is made of takes longer to import than all the pages together."""

from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from web.api.frame import invalid
from web.api.models import Problem
from web.app import Web


class DescribedWeb(Web, OpenAPI):
    """Pages and API."""


def described_web(name: str) -> DescribedWeb:
    return DescribedWeb(
        name,
        info=Info(title="Platzwart", version="1"),
        security_schemes={"token": {"type": "http", "scheme": "bearer"}},
        validation_error_model=Problem,
        validation_error_callback=invalid,
        doc_ui=False,
    )
