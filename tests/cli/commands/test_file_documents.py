"""`asrcli file` to Markdown and to a page: where the sound is, and how the one leads to the other."""

from __future__ import annotations

import re
import shutil

from tests.output.formats.test_page import said
from tests.support.service import TALK_TEXT, TALK_WAV

SENTENCES = TALK_TEXT.read_text(encoding="utf-8").splitlines()


def test_a_page_plays_its_source_and_markdown_leads_to_it(asrcli, talk_service, tmp_path):
    sound = shutil.copy(TALK_WAV, tmp_path / "my talk.wav")
    page, text = tmp_path / "pages" / "a talk.html", tmp_path / "talk.md"
    page.parent.mkdir()
    done = asrcli("file", sound, "--endpoint", talk_service, "--pace", "fast", "-o", page, "-o", text)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert said(page.read_text()) == SENTENCES
    assert ' src="../my%20talk.wav"' in page.read_text()
    assert '<h1 dir="auto">my talk.wav</h1>' in page.read_text()
    lines = text.read_text().splitlines()
    assert lines[0] == "# my talk.wav"
    assert re.fullmatch(r"\*\*\[0:00\]\(pages/a%20talk\.html#t=0\.\d+\)\*\* " + re.escape(SENTENCES[0]), lines[4])


def test_in_a_folder_each_leads_to_its_own_and_a_page_that_is_new_makes_the_text_anew(asrcli, talk_service, tmp_path):
    for name in ("one", "two"):
        shutil.copy(TALK_WAV, tmp_path / f"{name}.wav")
    command = ["file", tmp_path, "--endpoint", talk_service, "--pace", "fast", "--output-dir", tmp_path / "out"]
    assert asrcli(*command, "-f", "md").code == 0
    assert "(one.html#" not in (tmp_path / "out" / "one.md").read_text()
    assert asrcli(*command, "-f", "md", "-f", "html").code == 0
    for name in ("one", "two"):
        assert f"]({name}.html#t=" in (tmp_path / "out" / f"{name}.md").read_text()
        assert f' src="../{name}.wav"' in (tmp_path / "out" / f"{name}.html").read_text()
