"""A calendar's colour for both kinds of reader: hex for Apple, the nearest CSS3 name for RFC 7986 section 5.9."""

import re
from functools import lru_cache

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_NAMES = {
    "black": 0x000000,
    "gray": 0x808080,
    "silver": 0xC0C0C0,
    "white": 0xFFFFFF,
    "maroon": 0x800000,
    "red": 0xFF0000,
    "crimson": 0xDC143C,
    "tomato": 0xFF6347,
    "coral": 0xFF7F50,
    "orange": 0xFFA500,
    "gold": 0xFFD700,
    "yellow": 0xFFFF00,
    "olive": 0x808000,
    "yellowgreen": 0x9ACD32,
    "lime": 0x00FF00,
    "limegreen": 0x32CD32,
    "green": 0x008000,
    "seagreen": 0x2E8B57,
    "teal": 0x008080,
    "turquoise": 0x40E0D0,
    "aqua": 0x00FFFF,
    "skyblue": 0x87CEEB,
    "dodgerblue": 0x1E90FF,
    "steelblue": 0x4682B4,
    "royalblue": 0x4169E1,
    "blue": 0x0000FF,
    "navy": 0x000080,
    "indigo": 0x4B0082,
    "slateblue": 0x6A5ACD,
    "purple": 0x800080,
    "orchid": 0xDA70D6,
    "fuchsia": 0xFF00FF,
    "hotpink": 0xFF69B4,
    "chocolate": 0xD2691E,
    "sienna": 0xA0522D,
    "saddlebrown": 0x8B4513,
    "tan": 0xD2B48C,
    "slategray": 0x708090,
}


@lru_cache(maxsize=256)
def css_name(colour: str) -> str:
    """The nearest of some CSS3 colour names. Raises ValueError unless the colour is written as "#rrggbb"."""
    if _HEX.fullmatch(colour) is None:
        raise ValueError(f"a colour is written as #rrggbb: {colour!r}")
    wanted = int(colour[1:], 16)
    return min(_NAMES, key=lambda name: _distance(_NAMES[name], wanted))


def _distance(one: int, other: int) -> int:
    return sum(((one >> shift & 255) - (other >> shift & 255)) ** 2 for shift in (0, 8, 16))
