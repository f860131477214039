"""A part of the API: one blueprint under /api/v1, described when somebody reads the description.

Describing makes a JSON schema of every model: 0.4 s at each start, for a document that few installations ever read.
"""

from collections.abc import Callable
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.utils import parse_parameters

PREFIX = "/api/v1"


class ApiPart(APIBlueprint):
    """Its calls ask for a bearer token (SPEC X3)."""

    def __init__(self, name: str, import_name: str) -> None:
        super().__init__(name, import_name, url_prefix=PREFIX, abp_security=[{"token": []}])
        self._undescribed: list[tuple[str, Callable[..., Any], dict[str, Any]]] = []

    def _collect_openapi_info(self, rule: str, func: Callable[..., Any], **told: Any) -> Any:
        self._undescribed.append((rule, func, told))
        return parse_parameters(func, doc_ui=False)

    def describe(self) -> None:
        """Fill `paths`, `tags` and `components_schemas`, which are empty before. A second call does nothing."""
        undescribed, self._undescribed = self._undescribed, []
        for rule, func, told in undescribed:
            super()._collect_openapi_info(rule, func, **told)
