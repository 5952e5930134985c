"""The catalogue: which models there are, where, at what rate, in which languages, and what each can do.

Data, not code. It is advice, never a gate: new models appear every month, so an unknown name is passed on.
Compiled in November 2026 from the vendor's model pages and event pages; figures are the vendor's. Prices are list
prices, told with their date, and no bill is made of them: discounts and free quotas are not known here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field


def _codes(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


_THIRTY = _codes("zh en ja ko vi th id ms tl hi ar fr de es pt ru it nl sv da fi no el pl cs hu ro bg hr sk")
_QWEN_REALTIME = _codes("zh yue en ja de ko ru fr pt ar it es hi id th tr uk vi cs da fil fi is ms no pl sv")
_BOTH = ("cn", "intl")
# Languages in which a word of a list may be said to be.
_FUN_WORDS = _codes("zh en ja")
_PARAFORMER_WORDS = _codes("zh en ja yue ko de fr ru")
_FUN_DIALECTS = _codes("Cantonese Wu Minnan Hakka Gan Xiang Jin")
_NEW_DIALECTS = _codes("Shanghai Nanchang Ningbo Hakka Hangzhou Wenzhou Hunan Fujian Cantonese Suzhou")
_PARAFORMER_DIALECTS = _codes(
    "Cantonese Wu Minnan Northeast Gansu Guizhou Henan Hubei Hunan Ningxia Shanxi Shaanxi Shandong Sichuan Tianjin"
    " Jiangxi Yunnan Shanghai"
)

# Names in `values.parameters` of what the service documents for a family of models.
_VAD = frozenset({"max_sentence_silence_ms", "semantic_punctuation", "multi_threshold", "heartbeat"})
_FILTER = frozenset({"mask_words", "drop_words", "service_filter"})
_FUN = _VAD | _FILTER | {"hotwords_id", "languages", "noise_threshold"}
_CONTEXT = frozenset({"context", "context_from"})
_QWEN_AUDIO = _FUN | _CONTEXT | {"hotwords"}
_QWEN_AUDIO_3_1 = _QWEN_AUDIO | {"vad_model", "keep_dialect"}
_MESSAGE = frozenset(
    {"hotwords_id", "hotwords", "context", "context_from", "max_sentence_silence_ms", "heartbeat", "noise_threshold",
     "disfluency_removal", "vad_model", "keep_dialect", "intermediate"}
)  # fmt: skip
_PARAFORMER_V1 = frozenset({"disfluency_removal", "phrase_list"})
_SESSION = frozenset({"languages", "context", "max_sentence_silence_ms", "noise_threshold", "manual"})
_PARAFORMER = _VAD | {"hotwords_id", "disfluency_removal", "punctuation", "numbers"}


PRICES_OF = "November 2026"


@dataclass(frozen=True, slots=True)
class Price:
    """A list price: for a second of sound, or for a million tokens in and out. `currency` is of ISO 4217."""

    currency: str
    per_s: str = ""
    per_million_in: str = ""
    per_million_out: str = ""

    def __str__(self) -> str:
        """By the hour, so that models can be compared; a token has no length in time."""
        return f"{self._per_hour or self._per_token} ({self.currency})"

    @property
    def in_full(self) -> str:
        """As the vendor tells it, and by the hour where that is known."""
        amount = f"{self.per_s} a second, {self._per_hour}" if self.per_s else self._per_token
        return f"{amount} ({self.currency})"

    @property
    def _per_hour(self) -> str:
        return f"{float(self.per_s) * 3600:.4g} an hour" if self.per_s else ""

    @property
    def _per_token(self) -> str:
        return f"{self.per_million_in} in, {self.per_million_out} out a million tokens"


def _cny(cn: str, intl: str = "") -> dict[str, Price]:
    return {"cn": Price("CNY", cn)} | ({"intl": Price("CNY", intl)} if intl else {})


_TOKENS = {
    "cn": Price("CNY", per_million_in="6", per_million_out="4.5"),
    "intl": Price("CNY", per_million_in="6.781", per_million_out="5.104"),
}
_FUN_PRICE = {"cn": Price("CNY", "0.00033"), "intl": Price("USD", "0.00009")}
_FUN_CN, _PARAFORMER_PRICE, _TELEPHONE_PRICE = _cny("0.00033"), _cny("0.00024"), _cny("0.00022")
_QWEN_PRICE = _cny("0.00033", "0.00066")


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the service.

    `wire_rate_hz` is the rate we send; `rates_hz` are those it takes, () for any. `options` names the parameters that
    it understands. `same_as` is the dated snapshot behind a stable name. `dialects` are those of Chinese, by name.
    `prices` go by region; `free_s` is how much a new account has for nothing.
    `list_words` is how many words a hotword list made for it may hold, 0 where the vendor names no lists for it,
    `word_languages` which languages they may be marked with, and `super_words` how many may have the weight 50.
    """

    name: str
    protocol: str
    regions: tuple[str, ...]
    languages: tuple[str, ...]
    options: frozenset[str]
    wire_rate_hz: int = 16000
    rates_hz: tuple[int, ...] = ()
    max_languages: int = 1
    word_times: bool = True
    emotions: int = 0
    partials: bool = True
    same_as: str | None = None
    note: str = ""
    list_words: int = 0
    word_languages: tuple[str, ...] = ()
    super_words: int = 0
    dialects: tuple[str, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    free_s: int = 0


CATALOGUE: tuple[Model, ...] = (
    Model(
        "qwen-audio-3.1-asr-flash-streaming", "run-task", _BOTH, _THIRTY, _QWEN_AUDIO_3_1, max_languages=4,
        note="recommended for names and mixed languages; ten Chinese dialects", dialects=_NEW_DIALECTS, prices=_TOKENS,
        list_words=2000, word_languages=_THIRTY, super_words=50,
    ),
    Model(
        "qwen-audio-3.1-asr-flash-message", "run-task", _BOTH, ("zh", "en", "id", "ja", "th", "fil", "vi", "ko", "ms"),
        _MESSAGE, rates_hz=(16000,), partials=False, note="polished finals, partials on demand", prices=_TOKENS,
        list_words=2000, word_languages=_THIRTY, super_words=50,
    ),
    Model(
        "qwen-audio-3.0-asr-flash-streaming", "run-task", _BOTH, _THIRTY, _QWEN_AUDIO, max_languages=4,
        dialects=_FUN_DIALECTS, prices=_QWEN_PRICE,
        list_words=2000, word_languages=_THIRTY, super_words=50,
    ),
    Model(
        "fun-asr-realtime", "run-task", _BOTH, _THIRTY, _FUN | _CONTEXT, same_as="fun-asr-realtime-2025-11-07",
        note="Chinese dialects", dialects=_FUN_DIALECTS, prices=_FUN_PRICE, free_s=36_000,
        list_words=2000, word_languages=_FUN_WORDS,
    ),
    Model(
        "fun-asr-realtime-2025-11-07", "run-task", _BOTH, _THIRTY, _FUN | _CONTEXT, dialects=_FUN_DIALECTS,
        prices=_FUN_PRICE, free_s=36_000,
        list_words=2000, word_languages=_FUN_WORDS,
    ),
    Model(
        "fun-asr-realtime-2026-02-28", "run-task", ("cn",), ("zh", "en", "ja"), _FUN, note="for a close microphone",
        prices=_FUN_CN,
        list_words=500, word_languages=_FUN_WORDS,
    ),
    Model(
        "fun-asr-realtime-2025-09-15", "run-task", ("cn",), ("zh", "en"), _FUN, prices=_FUN_CN,
        list_words=500, word_languages=_FUN_WORDS,
    ),
    Model(
        "fun-asr-flash-8k-realtime", "run-task", ("cn",), ("zh",), _FUN, wire_rate_hz=8000, rates_hz=(8000,),
        same_as="fun-asr-flash-8k-realtime-2026-01-28", note="telephone", prices=_TELEPHONE_PRICE,
        list_words=500, word_languages=_FUN_WORDS,
    ),
    Model(
        "fun-asr-flash-8k-realtime-2026-01-28", "run-task", ("cn",), ("zh",), _FUN, wire_rate_hz=8000, rates_hz=(8000,),
        note="telephone", prices=_TELEPHONE_PRICE,
        list_words=500, word_languages=_FUN_WORDS,
    ),
    Model(
        "paraformer-realtime-v2", "run-task", ("cn",), ("zh", "en", "ja", "yue", "ko", "de", "fr", "ru"),
        _PARAFORMER | {"languages"}, max_languages=8, note="Chinese dialects", dialects=_PARAFORMER_DIALECTS,
        prices=_PARAFORMER_PRICE,
        list_words=500, word_languages=_PARAFORMER_WORDS,
    ),
    Model(
        "paraformer-realtime-8k-v2", "run-task", ("cn",), ("zh",), _PARAFORMER, wire_rate_hz=8000, rates_hz=(8000,),
        emotions=3, note="telephone", prices=_PARAFORMER_PRICE,
        list_words=500, word_languages=_PARAFORMER_WORDS,
    ),
    Model(
        "paraformer-realtime-v1", "run-task", ("cn",), ("zh",), _PARAFORMER_V1, rates_hz=(16000,),
        prices=_PARAFORMER_PRICE,
    ),
    Model(
        "paraformer-realtime-8k-v1", "run-task", ("cn",), ("zh",), _PARAFORMER_V1, wire_rate_hz=8000, rates_hz=(8000,),
        note="telephone", prices=_PARAFORMER_PRICE,
    ),
    Model(
        "qwen3-asr-flash-realtime", "realtime", _BOTH, _QWEN_REALTIME, _SESSION, rates_hz=(8000, 16000),
        word_times=False, emotions=7, same_as="qwen3-asr-flash-realtime-2025-10-27", prices=_QWEN_PRICE,
        dialects=("Cantonese", "Sichuan"),
    ),
    Model(
        "qwen3-asr-flash-realtime-2025-10-27", "realtime", _BOTH, _QWEN_REALTIME, _SESSION, rates_hz=(8000, 16000),
        word_times=False, emotions=7, prices=_QWEN_PRICE, dialects=("Cantonese", "Sichuan"),
    ),
    Model(
        "qwen3-asr-flash-realtime-2026-02-10", "realtime", _BOTH, _QWEN_REALTIME, _SESSION, rates_hz=(8000, 16000),
        word_times=False, emotions=7, prices=_QWEN_PRICE, dialects=("Cantonese", "Sichuan"),
    ),
)  # fmt: skip

DEFAULT_MODEL = "fun-asr-realtime"
TELEPHONE_MODEL = "fun-asr-flash-8k-realtime"

# Maker → how the names of its models begin.
_ELSEWHERE = {
    "OpenAI": "whisper distil large medium small base tiny turbo gpt",
    "Deepgram": "nova flux enhanced deepgram",
    "AssemblyAI": "universal slam assemblyai",
    "Google": "chirp gemini",
    "NVIDIA": "parakeet canary",
    "ElevenLabs": "scribe",
    "Mistral": "voxtral",
}

_BY_NAME = {model.name: model for model in CATALOGUE}


def find(name: str) -> Model | None:
    """The catalogue's entry for `name`, or None for a model that is not in it."""
    return _BY_NAME.get(name)


def nearest(name: str) -> str | None:
    """The known name most like `name`, if any is."""
    close = difflib.get_close_matches(name.lower(), _BY_NAME, n=1, cutoff=0.5)
    return close[0] if close else None


def not_in_it(name: str) -> tuple[str, str]:
    """That `name` is no entry, and what may be meant; "" where nothing is near."""
    said = f"the model {name!r} is not in the catalogue of this version"
    first, *_ = re.split(r"[-_/.\d]", name.lower(), maxsplit=1)
    maker = next((maker for maker, models in _ELSEWHERE.items() if first in models.split()), None)
    if maker is not None:
        return said, f"it has the name of a model of {maker}; `asrcli models` lists those of Alibaba Cloud"
    known = nearest(name)
    return said, f"did you mean {known}?" if known else ""


def with_options(model: Model, lacking: Iterable[str], wanted: Set[str], region: str | None) -> Model | None:
    """The model that has what `model` is `lacking`, and if there is one all that is `wanted`; None if none has."""
    able = [each for each in CATALOGUE if each.options.issuperset(lacking)]
    able = [each for each in able if each.options >= wanted] or able
    return _most_like(model, able, region)


def with_rate(model: Model, rate_hz: object, region: str | None) -> Model | None:
    """The model most like `model` that takes `rate_hz`."""
    return _most_like(model, [each for each in CATALOGUE if not each.rates_hz or rate_hz in each.rates_hz], region)


def _most_like(model: Model, able: list[Model], region: str | None) -> Model | None:
    """One in `region`, of the same protocol, of the same family, of a stable name: as far as there is one."""
    family = model.name.split("-")[0]

    def unlike(each: Model) -> tuple[bool, ...]:
        away = region is not None and region not in each.regions
        return away, each.protocol != model.protocol, not each.name.startswith(family), is_snapshot(each.name)

    return min(able, key=unlike, default=None)


def is_snapshot(name: str) -> bool:
    """Whether `name` ends in a date."""
    return re.search(r"-\d{4}-\d\d-\d\d$", name) is not None


def guess_protocol(name: str) -> str:
    """The protocol of a model that is not in the catalogue, by the habits of the vendor's names."""
    lowered = name.lower()
    return "realtime" if lowered.startswith("qwen") and "-asr" in lowered and "realtime" in lowered else "run-task"


def guess_wire_rate_hz(name: str) -> int:
    """8000 for a name that says it is for 8 kHz, else 16000."""
    return 8000 if "8k" in name.lower().split("-") else 16000
