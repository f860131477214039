"""URL rules that prepare the building of addresses when one is first built.

For each rule werkzeug compiles two functions at registration. With a few hundred rules that is a fifth of a second
before the first answer, and most processes never build most of the addresses.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]


class LazyRule(Rule):
    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        compiled = cache(lambda: super(LazyRule, self)._compile_builder(append_unknown))

        def build(rule: Any, **values: Any) -> tuple[str, str]:
            return compiled()(rule, **values)

        return build
