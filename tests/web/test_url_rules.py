"""Addresses are the same whether their rule was prepared at once or when it was first needed."""

from flask import Flask
from werkzeug.routing import Map, Rule

from tests.web.conftest import Site
from web.url_rules import LazyRule

PATHS = ("/", "/rooms/<slug>", "/rooms/<slug>/<int:number>", "/feeds/<path:rest>", "/all/<any(a, b):kind>/x y")
GIVEN = {"slug": "große halle", "number": 3, "rest": "a/b", "kind": "b", "more": "ä&b"}


def test_a_lazy_rule_builds_what_an_eager_one_builds() -> None:
    def built(kind: type[Rule]) -> list[str]:
        adapter = Map([kind(path, endpoint=path) for path in PATHS]).bind("localhost")
        return [adapter.build(path, GIVEN) for path in PATHS]

    assert built(LazyRule) == built(Rule)


def test_every_rule_of_the_application_is_lazy(site: Site) -> None:
    app: Flask = site.app
    assert {type(rule) for rule in app.url_map.iter_rules()} == {LazyRule}
