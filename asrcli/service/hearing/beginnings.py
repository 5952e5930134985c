"""What kind of file a stream is, where its first bytes are those of no other, by the name that the client is told."""

from __future__ import annotations

BEGINNING_BYTES = 10
"""So many are enough."""
AMR_MAGIC = b"#!AMR\n"
_BEGINNINGS = {
    b"OggS": "Ogg",
    b"ID3": "mp3",
    b"RIFF": "a WAV",
    b"fLaC": "FLAC",
    AMR_MAGIC: "amr",
    b"#!AMR-WB": "AMR-WB",
    b"#!AMR_MC": "AMR of several channels",
    b"\x1a\x45\xdf\xa3": "WebM",
    b"ADIF": "AAC without ADTS",
}


def kind_of(data: bytes) -> str | None:
    """What begins with `data`; None for what may be anything."""
    for magic, kind in _BEGINNINGS.items():
        if data.startswith(magic):
            return kind
    return "MP4" if data[4:8] == b"ftyp" else None
