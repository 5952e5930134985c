"""Names of languages, in English and as their speakers write them, for whoever does not know the code."""

from __future__ import annotations

from collections.abc import Iterable

from asrcli.values.errors import UsageError

_NAMES = """
    zh chinese mandarin putonghua 中文 汉语 漢語 普通话 普通話 国语 國語
    yue cantonese 粤语 粵語 广东话 廣東話
    en english
    ja japanese 日本語
    ko korean 한국어
    vi vietnamese tiếng-việt
    th thai ภาษาไทย ไทย
    id indonesian bahasa-indonesia indonesia
    ms malay bahasa-melayu melayu
    tl tagalog
    fil filipino
    hi hindi हिन्दी हिंदी
    ar arabic العربية عربي
    fr french français francais
    de german deutsch
    es spanish español espanol castilian castellano
    pt portuguese português portugues
    ru russian русский
    it italian italiano
    nl dutch nederlands flemish
    sv swedish svenska
    da danish dansk
    fi finnish suomi
    no norwegian norsk bokmål
    el greek ελληνικά
    pl polish polski
    cs czech čeština cesky česky
    hu hungarian magyar
    ro romanian română romana
    bg bulgarian български
    hr croatian hrvatski
    sk slovak slovenčina slovensky
    tr turkish türkçe turkce
    uk ukrainian українська
    is icelandic íslenska
"""
CODES = {name: line.split()[0] for line in _NAMES.strip().splitlines() for name in line.split()[1:]}
"""Name, in small letters and with hyphens for blanks → the service's code."""


def code_of(name: str) -> str | None:
    """The code of the language called `name`; None where it is no name, but perhaps a code."""
    return CODES.get("-".join(name.casefold().replace("_", " ").split()))


def near_code(code: str, known: Iterable[str]) -> str | None:
    """The one of the `known` codes that `code` says in another way, such as EN or en-US; None where none is."""
    first = code.casefold().replace("_", "-").partition("-")[0]
    return first if first != code and first in known else None


def refuse_names(given: Iterable[str]) -> None:
    """Raise UsageError for the name of a language where its code is wanted."""
    for each in given:
        if (code := code_of(each)) is not None:
            raise UsageError(f"--language takes a code, and {each!r} is a name", hint=f"-l {code}")
