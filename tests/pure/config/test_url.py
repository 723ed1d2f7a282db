"""What is a URL by the URL Standard, and what is none."""

from __future__ import annotations

import pytest

from trident.config.url import UrlError, scheme_of

URLS = {
    "http://x/": "http",
    "HTTPS://X": "https",
    "http:x": "http",
    "https:\\\\x": "https",
    "http:///x": "http",
    " \thttp://x\n": "http",
    "ht\ttp://x": "http",
    "http://u:p@host:8080/a?b#c": "http",
    "http://h:/": "http",
    "http://[::1]:80/": "http",
    "http://1.2.3.4/": "http",
    "http://0x7f.1/": "http",
    "http://4294967295/": "http",
    "http://a..b/": "http",
    "http://ä.de/": "http",
    "http://xn--mnchen-3ya.de/": "http",
    "http://%41/": "http",
    "file:///x y": "file",
    "file:x": "file",
    "file://c:/x": "file",
    "file://server/share": "file",
    "oci://registry:5000/image:tag": "oci",
    "oci:///x": "oci",
    "oci://a%20b/": "oci",
    "mailto:a@b": "mailto",
    "a+b-c.d:": "a+b-c.d",
}
NO_URLS = [
    "", "x", "/x", "//x/y", "x.cosi", "1:x", "-a:b", "a b:c", "://x", "?x:", "http:", "http:/", "http://",
    "http://u@/", "http://h:8a/", "http://h:65536/", "http://a b/", "http://a%20b/", "http://a^b/",
    "http://a%/", "http://a<b/", "http://256.1.1.1/", "http://1.2.3.08/", "http://1.2.3.4.5/", "http://a.1/",
    "http://4294967296/", "http://[::1/", "http://[::g]/", "http://[::1]x/", "http://[::1%25eth0]/",
    "http://xn--/", "http://xn--a/", "http://\u00ad/", "file://a:80/x", "file://a b/", "oci://:80/x",
    "oci://u@/x", "oci://@/", "oci://a b/", "oci://h:port/", "oci://[::1", "oci://a\\b/",
]  # fmt: skip


@pytest.mark.parametrize("text", URLS)
def test_what_is_a_url(text: str) -> None:
    assert scheme_of(text) == URLS[text]


@pytest.mark.parametrize("text", NO_URLS)
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(UrlError):
        scheme_of(text)


def test_a_long_url_takes_no_time() -> None:
    assert scheme_of("http://" + "a." * 100_000 + "/") == "http"
