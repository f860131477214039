"""A mail is shown without its door codes and without the customer's own link."""

from web.mail_body import masked


def test_masking_covers_what_stands_where_codes_stand() -> None:
    html = '<p>Raum 12345</p><div class="code" style="x">999 99</div><p>code 1234 and 12345</p><a href="http://h/b/AAAAAAAAAAAAAAAAAAAAAAAA">'
    assert masked(html, ["1234"]) == (
        '<p>Raum 12345</p><div class="code" style="x">••••</div><p>code •••• and 12345</p><a href="http://h/b/••••">'
    )
