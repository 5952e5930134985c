"""Makes tests/data/talk.amr and talk.spx, the first seconds of the sample talk in formats that no encoder here writes.

    python -m tests.support.make_coded_files [OUT_DIRECTORY]

Needs Debian's libopencore-amrnb0 (0.1.6) and speex (1.2.1).
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr

from asrcli.audio.encoded.ogg_pages import changed, page_bytes, read_page

DATA = Path(__file__).parents[1] / "data"
SECONDS = 8
_AMR_FRAME = 160
_BEST_MODE = 7


def amr(samples: np.ndarray) -> bytes:
    """Samples of 8 kHz, 16-bit in whatever numbers, as an AMR file."""
    library = ctypes.CDLL("libopencore-amrnb.so.0")
    library.Encoder_Interface_init.restype = ctypes.c_void_p
    encoder = ctypes.c_void_p(library.Encoder_Interface_init(0))
    frame = ctypes.create_string_buffer(64)
    data = b"#!AMR\n"
    for at in range(0, len(samples) - _AMR_FRAME + 1, _AMR_FRAME):
        block = samples[at : at + _AMR_FRAME].astype("<i2").tobytes()
        length = library.Encoder_Interface_Encode(encoder, _BEST_MODE, block, frame, 0)
        data += frame.raw[:length]
    library.Encoder_Interface_exit(encoder)
    return data


def main(folder: Path) -> None:
    with wave.open(str(DATA / "talk.wav")) as talk:
        rate_hz = talk.getframerate()
        pcm = talk.readframes(SECONDS * rate_hz)
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    (folder / "talk.amr").write_bytes(amr(np.clip(soxr.resample(samples, rate_hz, 8000), -32768, 32767).round()))
    command = ["speexenc", "--wideband", "--quality", "4", "--rate", str(rate_hz), "--le", "--16bit", "-", "-"]
    spx = subprocess.run(command, input=pcm, check=True, stdout=subprocess.PIPE).stdout
    (folder / "talk.spx").write_bytes(b"".join(with_serial(spx, 1)))


def with_serial(ogg: bytes, serial: int) -> Iterator[bytes]:
    """The pages of `ogg` as another stream: programs choose the number by chance."""
    while ogg:
        length = page_bytes(ogg)
        page = read_page(ogg[:length])
        assert page is not None
        yield changed(page, flags=page.flags, granule=page.granule, serial=serial, number=page.number).data
        ogg = ogg[length:]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
