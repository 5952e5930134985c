"""Makes the picture of the page that the README shows, of a transcript of the sample talk: `make pictures`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

TALK = Path(__file__).parents[1] / "data" / "talk.wav"
# A calmer font than the one that Debian has without being asked.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include>/etc/fonts/fonts.conf</include><match>
<edit name="family" mode="prepend" binding="strong"><string>Noto Sans CJK SC</string></edit></match></fontconfig>"""


def make(picture: Path) -> None:
    """Transcribe the talk through a local service, open its page in the middle, and take a picture of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(TALK, folder)
        (folder / "fonts.conf").write_text(FONTS, encoding="utf-8")
        asrcli = [sys.executable, "-m", "asrcli", "file", "talk.wav", "--region", "local", "--pace", "fast", "--quiet"]
        subprocess.run([*asrcli, "-o", "talk.html"], cwd=folder, check=True)
        fonts = os.environ | {"FONTCONFIG_FILE": str(folder / "fonts.conf")}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"], env=dict(fonts)
            )
            page = browser.new_page(viewport={"width": 860, "height": 410}, device_scale_factor=2)
            page.goto((folder / "talk.html").as_uri() + "#t=10.7")
            page.fill("#query", "walking")
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(300)
            page.screenshot(path=picture)
            browser.close()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
