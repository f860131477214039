"""Does this text look made up? Names, mail domains, phone numbers, links, advertising: each errs on the guest's side.

Names come from everywhere: one letter, no vowels (Krč), many consonants (Angstschwitz), digits (1. FC Köln 04 e. V.),
any script. Only what a person types to get past a field is caught (SPEC S8).
"""

import re
import unicodedata
from collections.abc import Collection
from functools import cache

THROWAWAY_DOMAINS = frozenset(
    """
    0815.ru 10minutemail.com 10minutemail.net 20minutemail.com burnermail.io byom.de cuvox.de dayrep.com discard.email
    discardmail.com discardmail.de dispostable.com einrot.com emailfake.com emailondeck.com fakeinbox.com fakemail.net
    getairmail.com getnada.com grr.la guerrillamail.biz guerrillamail.com guerrillamail.de guerrillamail.net
    guerrillamail.org guerrillamailblock.com inboxbear.com incognitomail.org jetable.org kurzepost.de mail-temp.com
    mailcatch.com maildrop.cc mailinator.com mailinator.net mailnesia.com mailnull.com mailtemp.net mintemail.com
    moakt.com mohmal.com muellmail.com mytemp.email mytrashmail.com nada.email objectmail.com proxymail.eu rhyta.com
    sharklasers.com sofort-mail.de sogetthis.com spam4.me spambog.com spambog.de spamgourmet.com spamspot.com
    spoofmail.de superrito.com teleworm.us temp-mail.io temp-mail.org tempail.com tempinbox.com tempmail.com tempmail.de
    tempmail.net tempr.email throwawaymail.com trash-mail.at trash-mail.com trash-mail.de trashmail.at trashmail.com
    trashmail.de trashmail.me trashmail.net trashmail.org wegwerf-email.de wegwerfemail.de wegwerfmail.de
    wegwerfmail.net wegwerfmail.org yopmail.com yopmail.fr yopmail.net zehnminutenmail.de
    """.split()  # noqa: SIM905 - a list of ninety quoted names is harder to read
)
SPAM = (
    "100% free",
    "act now",
    "backlink",
    "bitcoin",
    "buy now",
    "casino",
    "cialis",
    "click here",
    "crypto",
    "dating",
    "earn money",
    "escort",
    "forex",
    "geld verdienen",
    "hier klicken",
    "jackpot",
    "jetzt kaufen",
    "kredit",
    "krypto",
    "loan",
    "lottery",
    "make money",
    "onlyfans",
    "passive income",
    "passives einkommen",
    "payday",
    "porn",
    "porno",
    "ranking",
    "roulette",
    "seo",
    "sexkontakte",
    "sportwetten",
    "viagra",
    "weight loss",
)
PLACEHOLDERS = frozenset(
    {
        "abc",
        "abcd",
        "abcdef",
        "anonym",
        "anonymous",
        "asdasd",
        "bla bla",
        "blabla",
        "dummy",
        "fake",
        "foo",
        "foo bar",
        "foobar",
        "john doe",
        "keine angabe",
        "lorem ipsum",
        "n/a",
        "name",
        "nobody",
        "none",
        "null",
        "test",
        "test test",
        "testname",
        "unbekannt",
        "undefined",
        "unknown",
        "vorname nachname",
        "xyz",
    }
)
ROWS = ("qwertzuiop", "qwertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm")
ROW_STARTS = ("asdf", "qwer", "yxcv", "zxcv", "lkjh", "poiu", "mnbv")  # wert and zuio are names or near them
LONGEST_WALK = 5  # Wertz is a name
LONGEST_CONSONANTS = 6  # Čtvrtlík; sch, ch, sz and their like count as one
SHORTEST_MASH = 5  # Krč, Vlk, Brzk are names
LONGEST_INITIALS = 6  # DJKSV, HTWK
VOWELS = frozenset(
    "aeiouyw\u00e6\u00f8\u0153\u0131\u0259"
)  # Latin letters that NFKD leaves whole: æ ø œ, dotless i, schwa
_ONE_SOUND = re.compile(r"sch|tsch|ch|ck|cz|sz|rz|dz|dż|th|ph|sh|zh|kh|gh|ng|nh|ss|tt|ll|nn|mm|rr|pp|ff|kk|tz|dt")
SHORT_WORD = 4
_PATH = r"\b[a-z0-9-]+\.(?:de|com|net|org|info|biz|ru|ly|io|me|gl|to|cc|xyz|top|click|shop|online|site|link)/\S"
_LINK = re.compile(rf"https?://|\bwww\.|<a\b|\[url|{_PATH}", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+")
_MANY_DIGITS = re.compile(r"\d{5}")
_SAME_LETTER = re.compile(r"([^\W\d_])\1{3}")
_SAME_CHUNK = re.compile(r"(\w{2,4})\1{2,}")


def is_nonsense(name: str) -> bool:
    """Whether a name was typed to get past the field: no letters, a placeholder, a row of keys, mash, or a link."""
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    words = _LETTERS.findall(unicodedata.normalize("NFKC", name))
    if not words or folded in PLACEHOLDERS or "@" in folded or _LINK.search(folded):
        return True
    if _MANY_DIGITS.search(folded) or _SAME_LETTER.search(folded) or _SAME_CHUNK.search(folded):
        return True
    letters = "".join(words).casefold()
    return (len(letters) > 2 and len(set(letters)) == 1) or any(_is_mash(word) for word in words)


def throwaway_domain(email: str, more: Collection[str] = ()) -> str | None:
    """The domain of a throw-away address, or None. A subdomain of a listed one counts; `more` extends the list."""
    domain = email.rpartition("@")[2].casefold().rstrip(".")
    labels = domain.split(".")
    parents = {".".join(labels[start:]) for start in range(len(labels))}
    return domain if not (parents.isdisjoint(THROWAWAY_DOMAINS) and parents.isdisjoint(more)) else None


def is_impossible_phone(typed: str, regions: Collection[str]) -> bool:
    """Whether no number that can exist stands in what was typed, read as dialled in any of the regions (ISO 3166-1).

    Words around a number and several numbers are fine. A number of another country need only have a possible length,
    since the tables of numbering plans age.
    """
    return not any(_has_number(typed, region.upper()) for region in regions)


def count_links(text: str) -> int:
    """Words that lead somewhere: scheme, www, markup or a path. A club's bare domain and mail addresses do not."""
    return sum(bool(_LINK.search(word)) for word in text.split())


def spam_words(text: str) -> tuple[str, ...]:
    """The different words of advertising in a text, in the table's order. One alone may be honest: a casino evening."""
    folded = " ".join(text.casefold().split())
    return tuple(word for word, pattern in _spam_patterns() if pattern.search(folded))


@cache
def _spam_patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    endings = {word: "" if len(word) > SHORT_WORD else r"s?\b" for word in SPAM}  # Seoul, Porncharoen
    return tuple((word, re.compile(rf"\b{word}{ending}")) for word, ending in endings.items())


def _is_mash(word: str) -> bool:
    """A row of the keyboard, or what no language pronounces. Only Latin words: other scripts have other vowels."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", word.casefold()) if letter.isalpha())
    if not plain or not all("LATIN" in unicodedata.name(letter, "") for letter in plain):
        return False
    if _walks(plain):
        return True
    if word.isupper() and len(word) <= LONGEST_INITIALS:
        return False
    sounds = _ONE_SOUND.sub("x", plain)
    runs = "".join(" " if letter in VOWELS else letter for letter in sounds).split(" ")
    if len(plain) >= SHORTEST_MASH and len(runs) == 1:
        return True
    return max(map(len, runs)) > LONGEST_CONSONANTS


def _walks(word: str) -> bool:
    if word.startswith(ROW_STARTS):
        return True
    both_ways = [walk for row in ROWS for walk in (row, row[::-1])]
    fragments = (word[start : start + LONGEST_WALK + 1] for start in range(len(word) - LONGEST_WALK))
    return any(fragment in walk for fragment in fragments for walk in both_ways)


def _has_number(typed: str, region: str) -> bool:
    import phonenumbers  # late: it costs a start 40 ms, and web.context loads it in the background

    if next(iter(phonenumbers.PhoneNumberMatcher(typed, region)), None):
        return True
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return False
    if phonenumbers.is_valid_number(number):
        return True
    is_foreign = number.country_code != phonenumbers.country_code_for_region(region)
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return is_foreign and possible and len(set(str(number.national_number))) > 2
