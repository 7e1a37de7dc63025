from __future__ import annotations

import calendar
import time
from email.utils import parsedate
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.disk.response_file import (
    encode_response,
    http_date,
    in_a_year,
    parse_response,
    read_head,
    response_path,
)

HEAD = b"HTTP/1.1 200 OK\r\nEtag: x\r\n"


def summed(rest: bytes) -> bytes:
    return sha256(rest).digest() + rest


def test_a_file_is_named_by_the_url_with_kubectls_time_out() -> None:
    def named(url: str) -> str:
        return str(Path("root", "http", sha256(url.encode()).hexdigest()))

    assert response_path("root", "https://h/openapi/v3") == named("https://h/openapi/v3?timeout=32s")
    assert response_path("root", "https://h/x?hash=A&zeta=1") == named("https://h/x?hash=A&timeout=32s&zeta=1")
    assert response_path("root", "https://h/x?hash=A", timeout=False) == named("https://h/x?hash=A")


@given(st.binary(max_size=300))
def test_any_body_is_read_as_it_was_written(body: bytes) -> None:
    assert parse_response(encode_response(["Etag: x"], body)) == ({"content-length": str(len(body)), "etag": "x"}, body)


def test_the_head_tells_where_the_body_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(encode_response(["Etag: x"], b"body"))
    found = read_head(str(path))
    assert found is not None
    assert path.read_bytes()[found.at : found.at + found.size] == b"body"
    assert found.state[2:] == (path.stat().st_size, path.stat().st_ino)
    assert read_head(str(tmp_path / "none")) is None


def test_a_body_that_a_proxy_sent_in_chunks_is_read(tmp_path: Path) -> None:
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n6;x=y\r\npedia \r\n0\r\n\r\n"
    parsed = parse_response(summed(data))
    assert parsed is not None
    assert parsed[1] == b"Wikipedia "
    (tmp_path / "file").write_bytes(summed(data))
    assert read_head(str(tmp_path / "file")) is None, "its body is not in one piece"


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"HTTP/1.1 404 Not Found\r\n\r\n{}",
        b"HTTP/1.1\r\n\r\n",
        HEAD + b"Content-Encoding: gzip\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nWi",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-4\r\nWiki\r\n0\r\n\r\n",
    ],
)
def test_a_response_of_no_use_is_a_miss(rest: bytes) -> None:
    assert parse_response(summed(rest)) is None


def test_a_wrong_sum_is_a_miss() -> None:
    data = encode_response(["Etag: x"], b"body")
    assert parse_response(data[:-1]) is None
    assert parse_response(b"\x00" + data[1:]) is None
    assert parse_response(b"") is None


def test_dates_are_as_http_has_them() -> None:
    found = parsedate(http_date(0.0))
    assert found is not None
    assert calendar.timegm(found) == 0
    until = parsedate(in_a_year())
    assert until is not None
    assert abs(calendar.timegm(until) - time.time() - 365 * 24 * 3600) < 60
