from __future__ import annotations

import numpy as np
import pytest
import soundfile

from asrcli.audio.sample_encodings import ENCODINGS, finite, layout_problem

VALUES = np.array([0.0, 0.5, -0.5, -1.0, 0.25, 127 / 128], np.float32)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("s16le", (VALUES * 2**15).astype("<i2").tobytes()),
        ("s16be", (VALUES * 2**15).astype(">i2").tobytes()),
        ("s32le", (VALUES * 2**31).astype("<i4").tobytes()),
        ("s24le", b"".join(int(v * 2**23).to_bytes(3, "little", signed=True) for v in VALUES)),
        ("f32le", VALUES.astype("<f4").tobytes()),
        ("f64le", VALUES.astype("<f8").tobytes()),
        ("u8", (VALUES * 128 + 128).astype("u1").tobytes()),
    ],
)
def test_linear_encodings_have_the_same_full_scale(encoding: str, data: bytes) -> None:
    decoded = ENCODINGS[encoding].decode(data)
    assert decoded.dtype == np.float32
    assert decoded.tolist() == VALUES.tolist()
    assert len(data) == ENCODINGS[encoding].sample_bytes * VALUES.size


@pytest.mark.parametrize(("encoding", "subtype"), [("mulaw", "ULAW"), ("alaw", "ALAW")])
def test_companded_samples_decode_as_libsndfile_decodes_them(encoding: str, subtype: str, tmp_path) -> None:
    codes = bytes(range(256))
    path = tmp_path / "codes.raw"
    path.write_bytes(codes)
    expected, _ = soundfile.read(
        path, dtype="float32", format="RAW", subtype=subtype, samplerate=8000, channels=1, endian="LITTLE"
    )
    assert ENCODINGS[encoding].decode(codes).tolist() == expected.tolist()


def test_infinity_and_nan_become_silence() -> None:
    assert finite(np.array([np.nan, np.inf, -np.inf, 0.5], np.float32)).tolist() == [0, 0, 0, 0.5]


def test_finite_samples_are_not_copied() -> None:
    assert finite(VALUES) is VALUES


@pytest.mark.parametrize(("rate_hz", "channels"), [(0, 1), (999, 1), (10**6, 1), (16000, 0), (16000, 257)])
def test_impossible_layouts_are_named(rate_hz: int, channels: int) -> None:
    assert layout_problem(rate_hz, channels)


def test_usual_layouts_are_fine() -> None:
    assert [layout_problem(rate, 2) for rate in (8000, 44100, 192000)] == [None] * 3
