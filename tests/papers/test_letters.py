"""What a letter refuses to be made of, and what its words never show."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from papers.letters import Letter
from papers.mails import render
from tests.papers.test_mails import DOOR_CODE

Build = Callable[..., Letter]


def test_a_colour_that_is_none_never_reaches_the_style_sheet(build: Build) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        replace(build("Expired").house, colour="red;} body{display:none")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//book.example", ""])
def test_a_button_leads_to_a_web_page_only(build: Build, url: str) -> None:
    with pytest.raises(ValueError, match="web page"):
        render(build("Expired", room_url=url))


def test_a_door_code_is_not_in_the_words_of_a_letter_s_repr(build: Build) -> None:
    assert DOOR_CODE not in repr(build("Confirmation"))
    assert DOOR_CODE not in repr(build("DeskDigest"))
