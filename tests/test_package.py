"""What is installed beside the code."""

from __future__ import annotations

from importlib import metadata


def test_the_licence_comes_with_the_package() -> None:
    package = metadata.distribution("asrcli")
    assert package.metadata["License-Expression"] == "MIT"
    [name] = package.metadata.get_all("License-File") or []
    text = package.read_text(f"licenses/{name}")
    assert text is not None
    assert "WITHOUT WARRANTY OF ANY KIND" in text
