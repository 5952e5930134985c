"""Chromium opens the page: it plays, lights up, searches, and runs and asks for nothing that it should not."""

from __future__ import annotations

import base64
import shutil
import string
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

from asrcli.output.base import Begin
from asrcli.output.formats.cues.pieces import plain
from asrcli.values.events import Sentence, Word
from tests.output.formats.test_page import HOSTILE, page_of
from tests.support.sounds import tone, write

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")

ENGLISH = ["Good", "morning,", "and", "welcome.", "It", "rains", "today,", "and", "the", "river", "is", "high."]
WORDS = tuple(Word(word, 1000 + 500 * at, 1400 + 500 * at) for at, word in enumerate(ENGLISH))
CHINESE = tuple(Word(word, 9000 + 500 * at, 9500 + 500 * at) for at, word in enumerate("今天😀天气很好"))
SPOKEN = (
    Sentence(1, " ".join(ENGLISH[:4]), 1000, 2900, WORDS[:4], speaker="1"),
    Sentence(2, " ".join(ENGLISH[4:]), 3000, 6900, WORDS[4:], speaker="1"),
    Sentence(3, "今天😀天气很好。", 9000, 13000, CHINESE, language="zh", speaker="2"),
    Sentence(4, "Only this sentence has its times.", 14000, 18000),
    Sentence(5, "And this one has none, <but> says “rain”."),
)
IN_ALL = [plain(one.text) for one in SPOKEN]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One for all tests: a new one takes longer than most of them."""
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.set_viewport_size({"width": 800, "height": 600})
        yield page


@pytest.fixture(scope="module")
def scriptless(browser: Browser) -> Iterator[Page]:
    with browser.new_page(java_script_enabled=False) as page:
        yield page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a sound of 20 s, called as hardly any sound is, and a page of it."""
    folder = tmp_path_factory.mktemp("page")
    sound = write(folder / "talk #1? 50%25 天气.wav", tone(20.0, 8000), 8000)
    begin = Begin(str(sound), "fun-asr-realtime", "intl", "run-task", 8000, duration_ms=20_000, audio=str(sound))
    (folder / "talk.html").write_text(page_of(*SPOKEN, begin=begin, folder=folder), encoding="utf-8")
    (folder / "silent.html").write_text(page_of(*SPOKEN), encoding="utf-8")
    return folder


class Opened:
    """A page in the browser, with all that it has asked for and all that the browser has said of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.said: list[str] = []
        page.on("request", self._ask)
        page.on("console", self._tell)
        page.on("pageerror", self._fail)

    def _ask(self, request: Request) -> None:
        self.asked.append(request.url)

    def _tell(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)

    def _fail(self, error: Error) -> None:
        self.said.append(str(error))

    def open(self, path: Path, fragment: str = "") -> None:
        self.page.goto(path.as_uri() + fragment)

    def leave(self) -> None:
        self.page.remove_listener("request", self._ask)
        self.page.remove_listener("console", self._tell)
        self.page.remove_listener("pageerror", self._fail)
        # To the same page with another fragment would be no way at all.
        self.page.goto("about:blank")

    def until(self, holds: str) -> float:
        """Wait until an expression does; where the sound is then. The page evaluates nothing, not even for us."""
        at = "document.querySelector('audio').currentTime"
        look = f"() => {holds} ? done({at}) : setTimeout(look, 5)"
        return float(self.page.evaluate(f"new Promise(done => {{const look = {look}; look();}})"))

    def until_at(self, seconds: float) -> float:
        return self.until(f"document.querySelector('audio').currentTime > {seconds}")

    def slowly(self) -> None:
        """From now on sound passes at a sixteenth of its pace, so that it matters less when it is looked at."""
        self.page.evaluate("document.querySelectorAll('audio').forEach(audio => audio.playbackRate = 1 / 16)")

    def loaded(self) -> None:
        self.until("document.querySelector('audio').readyState > 0")

    def at(self) -> float:
        return float(self.page.evaluate("document.querySelector('audio').currentTime"))

    def plays(self) -> bool:
        return bool(self.page.evaluate("!document.querySelector('audio').paused"))

    def marked(self, name: str = "said") -> list[str]:
        return list(self.page.evaluate(f"[...CSS.highlights.get('{name}') ?? []].map(String)"))

    def current(self) -> list[str]:
        return self.page.locator("[aria-current]").all_text_contents()

    def click(self, sentence: int, start: int, part: float = 0.5) -> None:
        """Click on a character of a sentence, at such a part of its width."""
        where = f"""() => {{
            const range = document.createRange(), text = document.querySelectorAll("main span")[{sentence}].firstChild;
            range.setStart(text, {start});
            range.setEnd(text, {start} + 1);
            const box = range.getBoundingClientRect();
            return [box.left + box.width * {part}, box.top + box.height / 2];
        }}"""
        self.page.mouse.click(*self.page.evaluate(where))


@pytest.fixture
def opened(tab: Page) -> Iterator[Opened]:
    opened = Opened(tab)
    yield opened
    opened.leave()


@pytest.fixture
def talk(opened: Opened, folder: Path) -> Iterator[Opened]:
    """The page with its sound; in the end nothing but those two was asked for, and nothing was wrong."""
    opened.open(folder / "talk.html")
    opened.loaded()
    yield opened
    assert {unquote(Path(url).name) for url in opened.asked} == {"talk.html", "talk #1? 50%25 天气.wav"}
    assert opened.said == []


@pytest.mark.parametrize(
    ("sentence", "start", "part", "begin_ms", "word"),
    [
        (0, 0, 0.5, 1000, "Good"),
        (1, 0, 0.5, 3000, "It"),
        (1, 10, 0.5, 4000, "today,"),
        (2, 1, 0.9, 9500, "天"),
        (2, 4, 0.1, 10500, "天"),
    ],
)
def test_a_click_on_a_word_plays_from_it_and_lights_it_up(talk, sentence, start, part, begin_ms, word):
    talk.slowly()
    talk.click(sentence, start, part)
    assert talk.until_at(begin_ms / 1000) < begin_ms / 1000 + 0.1
    assert talk.plays()
    assert talk.marked() == [word]
    assert talk.current() == [IN_ALL[sentence]]


def test_the_word_that_is_spoken_is_lit_and_goes_on(talk):
    talk.click(0, 0)
    assert 1.5 <= talk.until("[...CSS.highlights.get('said')].map(String)[0] === 'morning,'") < 2.0


def test_a_sentence_without_times_of_words_plays_from_its_begin_and_one_without_any_does_not(talk):
    talk.click(4, 3)
    assert not talk.plays()
    talk.click(3, 20)
    talk.until_at(14)
    assert talk.current() == [IN_ALL[3]]
    assert talk.marked() == []


def test_keys_play_move_and_change_the_speed(talk):
    keyboard = talk.page.keyboard
    keyboard.press("Space")
    talk.until("!document.querySelector('audio').paused")
    keyboard.press("Space")
    assert not talk.plays()
    begin = talk.at()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    keyboard.press("ArrowLeft")
    # Right after a pause the time is that of the last picture, some milliseconds off.
    assert talk.at() == pytest.approx(begin + 5, abs=0.05)
    keyboard.press("]")
    keyboard.press("]")
    keyboard.press("[")
    assert talk.page.inner_text("#speed") == "1.25×"
    assert talk.page.evaluate("document.querySelector('audio').playbackRate") == 1.25
    talk.page.locator("main span").nth(1).focus()
    keyboard.press("Enter")
    talk.until_at(3)
    assert talk.plays()


def test_search_counts_goes_round_and_ends(talk):
    page = talk.page
    page.keyboard.press("/")
    page.keyboard.type("RAIN")
    assert page.inner_text("#count") == "1 of 2"
    assert talk.marked("found") == ["rain", "rain"]
    page.keyboard.press("Enter")
    assert page.inner_text("#count") == "2 of 2"
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Enter")
    page.click("#previous")
    assert page.inner_text("#count") == "1 of 2"
    assert page.evaluate("[...CSS.highlights.get('chosen')][0].startContainer.data") == IN_ALL[1]
    page.fill("#query", "welcome.  it")
    assert talk.marked("chosen") == ["welcome. It"] or talk.marked("chosen") == ["welcome.\nIt"]
    page.fill("#query", string.punctuation)
    assert page.inner_text("#count") == "none"
    page.fill("#query", "天气")
    page.keyboard.press("Escape")
    assert page.input_value("#query") == ""
    assert talk.marked("found") == []
    assert page.evaluate("document.activeElement.textContent") == IN_ALL[2]
    assert not talk.plays()


def test_what_is_gone_to_is_brought_into_sight_and_what_is_read_stays(opened, folder):
    """Of a page of which most was never drawn."""
    sentences = [Sentence(at, f"Sentence {at}. " + "And more. " * 30, at * 5000, at * 5000 + 4000) for at in range(300)]
    (folder / "long.html").write_text(page_of(*sentences), encoding="utf-8")
    top = "document.querySelector('[aria-current]').getBoundingClientRect().top"
    opened.open(folder / "long.html", "#t=1000")
    opened.until(f"0 < {top} && {top} < 600")
    assert opened.current()[0].startswith("Sentence 200.")
    opened.page.fill("#query", "sentence 299")
    chosen = "[...CSS.highlights.get('chosen')][0].getBoundingClientRect()"
    opened.until(f"0 < {chosen}.top && {chosen}.top < 600")
    opened.page.keyboard.press("Escape")
    opened.page.keyboard.press("ArrowRight")
    opened.until(f"0 < {top} && {top} < 600")
    assert opened.current()[0].startswith("Sentence 201.")
    assert opened.said == []


def test_a_link_opens_its_time_at_once_and_later(opened, folder):
    opened.open(folder / "talk.html", "#t=9.6")
    opened.loaded()
    assert opened.at() == pytest.approx(9.6)
    assert (opened.current(), opened.marked()) == ([IN_ALL[2]], ["天"])
    assert not opened.plays()
    opened.page.evaluate("location.hash = '#t=0:04.1'")
    opened.until("document.querySelector('audio').currentTime < 5")
    assert opened.marked() == ["today,"]
    opened.page.click("main a >> nth=1")
    opened.until_at(8.999)
    assert opened.plays()
    assert opened.page.url.endswith("#t=9")


def test_a_time_that_none_can_be_opens_nothing(opened, folder):
    for far in ("9" * 10, "9" * 400, "1:" + "9" * 400):
        opened.open(folder / "silent.html", f"#t={far}")
        assert opened.page.inner_text("#now") == "0:00"


def test_what_shift_makes_of_a_key_is_left_to_the_browser(talk):
    talk.page.keyboard.press("Shift+ArrowRight")
    talk.page.keyboard.press("Shift+Space")
    assert talk.at() == 0
    assert not talk.plays()


def test_brackets_work_on_keyboards_that_have_them_with_alt(talk):
    talk.page.keyboard.press("Alt+]")
    assert talk.page.evaluate("document.querySelector('audio').playbackRate") == 1.25
    talk.page.keyboard.press("Alt+[")
    assert talk.page.evaluate("document.querySelector('audio').playbackRate") == 1


def test_a_selection_is_copied_with_its_link(talk, folder):
    talk.page.evaluate("""() => {
        const text = document.querySelectorAll("main span")[1].firstChild;
        getSelection().setBaseAndExtent(text, 9, text, 22);
    }""")
    talk.page.click("#copy")
    talk.until("document.querySelector('#copy').textContent === 'Copied'")
    copied = talk.page.evaluate("navigator.clipboard.readText()")
    assert copied == f"today, and th\n{(folder / 'talk.html').as_uri()}#t=4"


def test_a_sound_that_is_not_there_can_be_chosen(opened, folder):
    opened.open(folder / "silent.html", "#t=4.1")
    assert opened.page.is_visible("#missing")
    assert (opened.current(), opened.marked()) == ([IN_ALL[1]], ["today,"])
    opened.page.set_input_files("#file", next(folder.glob("*.wav")))
    opened.loaded()
    assert not opened.page.is_visible("#missing")
    assert opened.at() == pytest.approx(4.1)
    opened.page.click("#play")
    opened.until_at(4.2)
    assert opened.said == []


def test_a_sound_that_is_inside_is_played_and_asked_for_nowhere_else(opened, folder):
    data = base64.b64encode(next(folder.glob("*.wav")).read_bytes()).decode()
    begin = Begin("gone.wav", "m", "intl", "run-task", 8000, audio=str(folder / "gone.wav"))
    inside = page_of(*SPOKEN, begin=begin, folder=folder, sound_of=lambda path: f"data:audio/wav;base64,{data}")
    (folder / "inside.html").write_text(inside, encoding="utf-8")
    opened.open(folder / "inside.html")
    opened.until("document.querySelector('#inside').readyState > 0")
    opened.slowly()
    opened.click(0, 0)
    opened.until("document.querySelector('#inside').currentTime > 1")
    assert opened.marked() == ["Good"]
    assert [url for url in opened.asked if not url.startswith("data:")] == [(folder / "inside.html").as_uri()]
    assert opened.said == []


def test_without_script_all_is_there_to_read_and_to_hear(scriptless, folder):
    scriptless.goto((folder / "talk.html").as_uri())
    text = scriptless.inner_text("main")
    assert " ".join(IN_ALL[:2]) in text
    assert all(said in text for said in IN_ALL)
    assert scriptless.is_visible("audio[controls]")
    assert not scriptless.is_visible("#player")


@pytest.mark.parametrize("kind", ["tab", "scriptless"])
def test_a_page_without_an_end_says_so(kind, folder, request):
    page: Page = request.getfixturevalue(kind)
    text = (folder / "talk.html").read_text(encoding="utf-8")
    cut = folder / "cut.html"
    cut.write_text(text[: text.index("river is")], encoding="utf-8")
    said = "getComputedStyle(document.body, '::after').content"
    page.goto((folder / "talk.html").as_uri())
    assert page.evaluate(said) == "none"
    page.goto(cut.as_uri())
    assert "This page has no end" in page.evaluate(said)
    assert "It rains today, and the" in page.inner_text("main")


def test_no_text_runs_or_asks_for_anything(opened, tmp_path):
    sentences = [Sentence(at, text, at, at + 1, speaker=text, language=text) for at, text in enumerate(HOSTILE)]
    begin = Begin("</title><script>alert(1)</script>", "<img src=x>", "intl", "run-task", 16000)
    (tmp_path / "hostile.html").write_text(page_of(*sentences, begin=begin), encoding="utf-8")
    opened.open(tmp_path / "hostile.html", "#t=0")
    assert opened.page.locator("main span").all_text_contents() == [plain(text) for text in HOSTILE]
    assert opened.page.title() == "</title><script>alert(1)</script>"
    opened.page.fill("#query", "</script>")
    assert opened.page.inner_text("#count") == f"1 of {sum('</script>' in text for text in HOSTILE)}"
    assert opened.asked == [(tmp_path / "hostile.html").as_uri()]
    assert opened.said == []


def test_what_would_get_past_the_escaping_does_not_run_either(opened, folder):
    opened.open(folder / "silent.html")
    opened.page.evaluate("""document.querySelector("main").insertAdjacentHTML(
        "beforeend", "<img src=https://127.0.0.1:9/x onerror=ran=1><style>main{color:red}</style>")""")
    opened.until("document.querySelector('main img').complete")
    assert not opened.page.evaluate("'ran' in window")
    assert any("Content Security Policy" in said for said in opened.said)
    assert opened.page.evaluate("getComputedStyle(document.querySelector('main')).color") != "rgb(255, 0, 0)"
