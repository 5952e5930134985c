"""Addresses: what one is, what it is called, and what of it nobody sees."""

from __future__ import annotations

import pytest

from asrcli.values.addresses import file_name, is_address, shown
from asrcli.values.source_name import label, stem


@pytest.mark.parametrize("name", ["https://h/a.mp3", "s3://bucket/key", "HTTP://h", "x-y+z.1://h"])
def test_addresses_are_told(name: str):
    assert is_address(name)


@pytest.mark.parametrize("name", ["a.mp3", "-", "", "a://b", "/tmp/a://b", "1a://b", "C:\\a", "no/https://x"])
def test_paths_are_none(name: str):
    assert not is_address(name)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://h/a?X-Amz-Signature=ab12&X-Amz-Date=20261126", "https://h/a?X-Amz-Signature=***&X-Amz-Date=20261126"),
        ("https://h/a?Expires=1&OSSAccessKeyId=L5&Signature=x%2By=", "https://h/a?Expires=1&OSSAccessKeyId=***&Signature=***"),
        ("https://h/a?sv=2024&sig=x", "https://h/a?sv=2024&sig=***"),
        ("https://h/a?token=x#access_token=y", "https://h/a?token=***#access_token=***"),
        ("https://me:p@ss/w@h/a", "https://***@ss/w@h/a"),
        ("https://me:p@ss@h/a?id=7", "https://***@h/a?id=7"),
        ("https://token@h:8000/a", "https://***@h:8000/a"),
        ("https://h/a?v=0123456789abcdef0123456789abcdef", "https://h/a?v=***"),
        ("https://h/a;jsessionid=5?lang=de", "https://h/a;jsessionid=***"),
        ("https://h/a@b.mp3", "https://h/a@b.mp3"),
        ("Max retries: /a?sig=x (caused by y) and s3://k:v@b/c", "Max retries: /a?sig=*** (caused by y) and s3://***@b/c"),
        ("s3://b/c?sig=***x, s3://b/c#token=***: HTTP 404", "s3://b/c?sig=*** s3://b/c#token=***: HTTP 404"),
        ("what is a=b?", "what is a=b?"),
        ("write http://user:password@host:port", "write http://user:password@host:port"),
        ("https://user:password@example.com/a", "https://***@example.com/a"),
    ],
)  # fmt: skip
def test_what_lets_one_in_is_masked(address: str, expected: str):
    assert shown(address) == expected
    assert shown(expected) == expected


def test_a_file_is_no_address_and_stays_as_it_is():
    assert label("a?token=x.wav") == "a?token=x.wav"
    assert label("https://h/a?token=x") == "https://h/a?token=***"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://h/x/my%20talk.v2.mp3?sig=a/b.wav", "my talk.v2"),
        ("https://h/..%2F..%2Fetc%2Fpasswd.mp3", "_._.._etc_passwd"),
        ("https://h/%1b%5b2J%0a.wav", "_[2J_"),
        ("https://h/.hidden.wav", "_hidden"),
        ("https://me:p@h:80/", "h:80"),
        ("https://h/talk/#t=10", "talk"),
        ("s3://bucket/a/b.wav", "b"),
        ("talk.wav", "talk"),
    ],
)
def test_results_are_called_by_the_path_without_its_query(address: str, expected: str):
    assert stem(address) == expected


def test_a_name_leads_nowhere_else():
    assert file_name("https://h/a/..%2f%2e%2e%00") == ".._.._"
