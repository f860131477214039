"""The codes that rules write into their refusals, read from the source: by name, or in a table of a module."""

import ast
import re
from pathlib import Path

import booking

RULES = Path(booking.__file__).parent / "rules"
CODE = re.compile(r"[a-z]+(-[a-z]+)+")


def written_codes(*parts: str) -> set[str]:
    """Every string with a hyphen in the modules that the patterns name, and what `Reason` and `refused` are called with
    at once.
    """
    found: set[str] = set()
    for file in (file for part in parts for file in RULES.glob(f"{part}.py")):
        source = file.read_text(encoding="utf-8")
        found |= set(re.findall(r'\b(?:Reason|refused|Warned)\(\s*"([a-z-]+)"', source))
        strings = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
        found |= {one for one in strings if isinstance(one, str) and CODE.fullmatch(one)}
    return found
