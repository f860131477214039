"""The API against its own description: generated calls, well formed and not, never fail (SPEC X3)."""

from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from booking.values.states import Role
from tests.fixtures.soak import scale
from tests.web.test_api import wish

if TYPE_CHECKING:
    from tests.web.conftest import Site

EXAMPLES = scale(50)
WANTED = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_generated_calls_are_answered_as_described(site: "Site") -> None:
    program = site.api(Role.OWNER)
    assert program.post("/requests", wish(site)).status_code == 201
    headers = {"Authorization": f"Bearer {program.token}", "Host": "localhost"}
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", site.app, headers={"Host": "localhost"})
    seen = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _try(found.ok().as_strategy(generation_mode=mode), headers)
        seen += 1
    calls = [rule for rule in site.app.url_map.iter_rules() if rule.rule.startswith("/api/v1/")]
    assert seen == sum(len((rule.methods or set()) - {"HEAD", "OPTIONS"}) for rule in calls) > 0


def _try(cases: Any, headers: dict[str, str]) -> None:
    @seed(1)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases)
    def call(case: Any) -> None:
        case.call_and_validate(checks=WANTED, headers=headers)

    call()
