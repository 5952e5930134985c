"""Names of languages, and the codes that the service takes."""

from __future__ import annotations

import pytest

from asrcli.settings.catalogue import CATALOGUE
from asrcli.settings.hotword_rules import check_language, model_for_lists
from asrcli.settings.languages import CODES, code_of, near_code
from asrcli.settings.recognition import recognition_options
from asrcli.values.errors import UsageError

TAKEN = {code for model in CATALOGUE for code in model.languages}


def test_every_language_of_every_model_has_a_name_and_no_name_is_a_code():
    assert set(CODES.values()) == TAKEN
    assert not set(CODES) & TAKEN
    assert all(name == name.casefold() for name in CODES)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("english", "en"), ("English", "en"), ("CHINESE", "zh"), ("中文", "zh"), ("粤语", "yue"), ("Deutsch", "de"),
        ("Español", "es"), ("日本語", "ja"), ("한국어", "ko"), ("Tiếng Việt", "vi"), ("bahasa_indonesia", "id"),
        ("Русский", "ru"), ("en", None), ("xx", None), ("", None), ("klingon", None),
    ],
)  # fmt: skip
def test_a_name_has_a_code(name, code):
    assert code_of(name) == code


def test_another_spelling_of_a_code_is_known():
    assert near_code("EN", ("zh", "en")) == "en"
    assert near_code("zh_CN", ("zh", "en")) == "zh"
    assert near_code("en-US", ("zh", "en")) == "en"
    assert near_code("en", ("zh", "en")) is None
    assert near_code("sw", ("zh", "en")) is None


@pytest.mark.parametrize("model", ["fun-asr-realtime", "qwen3-asr-flash-realtime", "not-in-the-catalogue"])
def test_a_name_is_refused_with_the_code(model):
    with pytest.raises(UsageError, match="--language takes a code, and 'english' is a name") as raised:
        recognition_options(model, {"languages": ("zh", "english")})
    assert raised.value.hint == "-l en"


def test_a_code_that_the_model_does_not_know_is_sent_with_a_warning():
    options, warnings = recognition_options("fun-asr-realtime", {"languages": ("en-US",)})
    assert options.languages == ("en-US",)
    assert any("did you mean en? known: zh en ja" in warning for warning in warnings)


def test_a_hotword_list_takes_codes_too():
    with pytest.raises(UsageError, match="'Deutsch' is a name"):
        check_language("Deutsch", model_for_lists("fun-asr-realtime")[0])
