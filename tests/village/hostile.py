"""What a hostile device may send: requests to the web ports, and datagrams to DHCP and DNS. Each has a name of its own.

Sources of the shapes: RFC 9110, RFC 9112 (requests, smuggling), RFC 2131 (DHCP), RFC 1035 (DNS), and what portals of
other makers are reported to die of.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

# Whatever carries this must not come back as markup, nor be found in a header of an answer.
MARK: Final = "zq8hostile"
SCRIPT: Final = f"<script>{MARK}</script>"
_END: Final = "Connection: close\r\n\r\n"


def requests(host: str) -> dict[str, bytes]:
    """Raw requests for one virtual host; each is sent on a connection of its own."""
    found: dict[str, bytes] = {}
    for name, line in _request_lines(host):
        found[f"line: {name}"] = line.encode("latin-1") + f"\r\nHost: {host}\r\nUser-Agent: x\r\n{_END}".encode(
            "latin-1"
        )
    for name, headers in _headers(host):
        found[f"headers: {name}"] = f"GET / HTTP/1.1\r\n{headers}{_END}".encode("latin-1")
    for name, head, body in _bodies():
        text = f"POST /sambung HTTP/1.1\r\nHost: {host}\r\nUser-Agent: x\r\n{head}{_END}"
        found[f"body: {name}"] = text.encode("latin-1") + body
    for name, code in _codes():
        body = b"kode=" + code
        head = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n{_END}"
        found[f"code: {name}"] = f"POST /voucher HTTP/1.1\r\nHost: {host}\r\n{head}".encode("latin-1") + body
    return found


def _request_lines(host: str) -> Iterator[tuple[str, str]]:
    for method in (
        "BREW",
        "TRACE",
        "OPTIONS",
        "CONNECT",
        "PUT",
        "DELETE",
        "PATCH",
        "PROPFIND",
        "get",
        "G" * 5_000,
        "GET\t",
    ):
        yield f"method {method[:12]!r}", f"{method} / HTTP/1.1"
    for version in ("HTTP/0.9", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1.1", "ICY", "http/1.1"):
        yield f"version {version}", f"GET / {version}"
    yield "no version", "GET /"
    yield "no target", "GET  HTTP/1.1"
    yield "nothing", ""
    yield "CONNECT to elsewhere", "CONNECT 198.18.0.80:443 HTTP/1.1"
    yield "asterisk", "OPTIONS * HTTP/1.1"
    yield "absolute, another host", f"GET http://evil.example/{SCRIPT} HTTP/1.1"
    yield "absolute, https", f"GET https://{host}/ HTTP/1.1"
    targets = {
        "no slash": "status",
        "backslash": "\\..\\..\\etc\\passwd",
        "dots": "/../../../../etc/passwd",
        "encoded dots": "/%2e%2e/%2e%2e/etc/passwd",
        "encoded NUL": "/status%00.html",
        "bad percent": "/%zz",
        "half percent": "/status%",
        "encoded bad UTF-8": "/%ff%fe?x=%c0%af",
        "raw bad UTF-8": "/\xff\xfe",
        "encoded line ends": f"/?x=%0d%0aSet-Cookie:%20{MARK}=1",
        "script in path": f"/{SCRIPT}",
        "script in query": f"/?x={SCRIPT}",
        "encoded script": f"/?x=%3Cscript%3E{MARK}%3C/script%3E",
        "two question marks": "/??x=1?y=2",
        "doubled keys": "/?bahasa=en&bahasa=jv&bahasa[]=su",
        "empty keys": "/?=&&==&=",
        "hostile language": f"/?bahasa=../../{MARK}",
        "language with NUL": "/?bahasa=en%00",
        "long language": f"/?bahasa={'e' * 3_000}",
        "query of 3 kB": f"/?x={'a' * 3_000}",
        "query of 60 kB": f"/?x={'a' * 60_000}",
        "path of 15 kB": f"/{'a/' * 7_500}",
        "ten thousand keys": f"/?{'a&' * 1_500}",
        "slashes": "/" * 2_000,
        "template": "/?x={{7*7}}&y=${7*7}",
        "SQL in query": "/?x=1'%20OR%20'1'='1",
        "PHP": "/index.php?-d+allow_url_include",
        "a proxy's": "/http://198.18.0.10/",
        "fragment": f"/#{SCRIPT}",
        "forged mac": "/?mac=02:00:00:00:00:01&clientmac=02:00:00:00:00:01",
        "forged address": "/?ip=10.20.0.1&client_ip=10.20.0.1",
        "redirect elsewhere": "/?redirect=http://evil.example/&url=//evil.example/",
        "unicode": "/%F0%9F%92%A9",
        "semicolons": "/;jsessionid=1;x",
        "the office from outside": "/kantor/",
        "static dots": "/faces/../../config.py",
        "static encoded dots": "/faces/%2e%2e/%2e%2e/pyproject.toml",
    }
    for name, target in targets.items():
        yield f"target {name}", f"GET {target} HTTP/1.1"


def _headers(host: str) -> Iterator[tuple[str, str]]:
    own = f"Host: {host}\r\n"
    yield "no Host", ""
    yield "no User-Agent", own
    yield "two Hosts", f"{own}Host: evil.example\r\n"
    hosts = {
        "empty": "",
        "script": SCRIPT,
        "port of letters": f"{host}:http",
        "huge port": f"{host}:99999999",
        "at": f"x@{host}",
        "300 labels": ".".join("a" * 300),
        "4 kB": "a" * 4_000,
        "bad bytes": "\xff\xfe",
        "brackets": "[::1]:80",
        "half brackets": "[::1",
        "blank inside": "a b",
        "tab": "a\tb",
        "comma": f"{host}, evil.example",
        "dot": ".",
        "NUL": "a\x00b",
        "the box's address": "10.20.0.1",
        "localhost": "localhost",
        "127.0.0.1": "127.0.0.1",
    }
    for name, value in hosts.items():
        yield f"Host {name}", f"Host: {value}\r\n"
    forged = {
        "X-Forwarded-For": "10.20.0.1",
        "X-Forwarded-Host": f"evil.example/{SCRIPT}",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": f"/{SCRIPT}",
        "X-Real-IP": "127.0.0.1",
        "X-Desa-Place": "hall",
        "Forwarded": "for=127.0.0.1;host=evil",
        "X-Client-Mac": "02:00:00:00:00:01",
        "X-Original-URL": "/kantor/",
        "X-Rewrite-URL": "/kantor/",
        "Proxy": "http://evil.example",
        "X-HTTP-Method-Override": "DELETE",
        "SCRIPT_NAME": f"/{SCRIPT}",
        "X-Script-Name": f"/{SCRIPT}",
        "Via": "1.1 evil",
        "CF-Connecting-IP": "127.0.0.1",
        "True-Client-IP": "127.0.0.1",
        "X-Forwarded-Port": "443",
    }
    for name, value in forged.items():
        yield f"forged {name}", f"{own}{name}: {value}\r\n"
    odd = {
        "User-Agent empty": "User-Agent:",
        "User-Agent 4 kB": f"User-Agent: {'a' * 4_000}",
        "User-Agent bytes": "User-Agent: \xff\x80",
        "User-Agent script": f"User-Agent: {SCRIPT}",
        "Cookie 8 kB": f"Cookie: a={'b' * 8_000}",
        "Cookie bytes": "Cookie: \xff=\xfe",
        "Accept-Language script": f"Accept-Language: {SCRIPT}",
        "Accept-Language many": f"Accept-Language: {','.join(['aa;q=0.1'] * 400)}",
        "Accept-Language quality": "Accept-Language: en;q=nan, jv;q=-1, su;q=1e999",
        "Accept-Language locale": "Accept-Language: ../../etc, en_\x00",
        "Range": "Range: bytes=0-,0-,0-,0-",
        "Range negative": "Range: bytes=-99999999999999999999",
        "If-Modified-Since": "If-Modified-Since: never",
        "If-None-Match": f'If-None-Match: "{SCRIPT}"',
        "Expect": "Expect: 200-maybe",
        "Upgrade h2c": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA",
        "Upgrade websocket": "Upgrade: websocket\r\nSec-WebSocket-Key: x",
        "no colon": "ThisIsNoHeader",
        "blank before colon": "X : y",
        "folded": "X-A: b\r\n c",
        "NUL in header": "X-A: b\x00c",
        "only colon": ": x",
        "1 MB header": f"X-A: {'a' * 1_000_000}",
        "300 headers": "\r\n".join(f"X-{number}: y" for number in range(300)),
        "Referer script": f"Referer: http://x/{SCRIPT}",
        "TE": "TE: trailers, deflate;q=0.5",
        "Transfer-Encoding on GET": "Transfer-Encoding: chunked",
        "Authorization": "Authorization: Basic ////",
    }
    for name, value in odd.items():
        yield name, f"{own}{value}\r\n"


def _bodies() -> Iterator[tuple[str, str, bytes]]:
    form = "Content-Type: application/x-www-form-urlencoded\r\n"
    yield "negative length", "Content-Length: -1\r\n", b""
    yield "length of letters", "Content-Length: ten\r\n", b""
    yield "length too large", "Content-Length: 99999999999999999999\r\n", b""
    yield "two lengths", "Content-Length: 4\r\nContent-Length: 5\r\n", b"aaaaa"
    yield (
        "length and chunks",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"0\r\n\r\nGET /kantor/ HTTP/1.1\r\n\r\n",
    )
    yield "chunked, obscured", "Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"
    yield "chunk of letters", "Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n0\r\n\r\n"
    yield "huge chunk", "Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\nabc"
    yield "shorter than told", "Content-Length: 100\r\n", b"a"
    yield "100 kB", f"{form}Content-Length: 100000\r\n", b"a=" + b"b" * 99_998
    yield "5 MB told", "Content-Length: 5000000\r\n", b""
    yield "a thousand fields", f"{form}Content-Length: 3999\r\n", b"&".join([b"a=b"] * 1_000)
    yield "bad UTF-8", f"{form}Content-Length: 6\r\n", b"a=\xff\xfe\xfd\xfc"
    yield (
        "bad charset",
        "Content-Type: application/x-www-form-urlencoded; charset=\xff\r\nContent-Length: 3\r\n",
        b"a=b",
    )
    yield "multipart without boundary", "Content-Type: multipart/form-data\r\nContent-Length: 4\r\n", b"--x\r"
    yield (
        "multipart broken",
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 40\r\n",
        b"--x\r\nContent-Disposition: form-data; na",
    )
    yield "JSON", "Content-Type: application/json\r\nContent-Length: 30\r\n", b'{"a":' * 6
    yield "gzip bomb's head", "Content-Encoding: gzip\r\nContent-Length: 10\r\n", b"\x1f\x8b\x08" + b"\x00" * 7
    yield "another site's form", "Origin: http://evil.example\r\nContent-Length: 0\r\n", b""
    yield "another site's fetch", "Sec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n", b""
    yield "Origin is no address", f"Origin: {SCRIPT}\r\nContent-Length: 0\r\n", b""


def _codes() -> Iterator[tuple[str, bytes]]:
    yield "SQL", b"' OR 1=1; DROP TABLE vouchers; --"
    yield "SQL union", b"x' UNION SELECT * FROM grants --"
    yield "markup", SCRIPT.encode()
    yield "attribute", f'"><img src=x onerror={MARK}>'.encode()
    yield "encoded markup", f"%22%3E%3Cscript%3E{MARK}%3C%2Fscript%3E".encode()
    yield "template", b"{{config}}{%25 for x in y %25}"
    yield "10 kB", b"A" * 10_000
    yield "empty", b""
    yield "blanks", b"%20%20%09"
    yield "NUL", b"ABCDE%00FGHJK"
    yield "bad UTF-8", b"%ff%fe%c0%af"
    yield "wide letters", "\uff21\uff22\uff23\uff24\uff25".encode()
    yield "right to left", "\u202eABCDE".encode()
    yield "twice", b"AAAAA-AAAAA&kode=BBBBB-BBBBB"
    yield "path", b"../../voucher.key"
    yield "format", b"%25s%25n%25x"


def _dhcp(options: bytes, *, hardware: bytes = b"\x02\x99\x00\x00\x00\x01", kind: int = 1, hlen: int = 6) -> bytes:
    head = struct.pack("!BBBB4sHH", kind, 1, hlen, 0, hardware[2:6], 0, 0x8000)
    return head + bytes(16) + hardware.ljust(16, b"\0")[:16] + bytes(192) + b"\x63\x82\x53\x63" + options


def dhcp() -> dict[str, bytes]:
    """Datagrams for the DHCP server's port."""
    discover, end = b"\x35\x01\x01", b"\xff"
    return {
        "empty": b"",
        "one byte": b"\x01",
        "head only": bytes(240),
        "no cookie": bytes(300),
        "no end": _dhcp(discover),
        "length beyond the end": _dhcp(discover + b"\x0c\xff" + b"a" * 10),
        "type of two bytes": _dhcp(b"\x35\x02\x01\x01" + end),
        "type of none": _dhcp(b"\x35\x00" + end),
        "unknown type": _dhcp(b"\x35\x01\xee" + end),
        "a reply": _dhcp(discover + end, kind=2),
        "hardware of 255 bytes": _dhcp(discover + end, hlen=255),
        "hardware of none": _dhcp(discover + end, hlen=0),
        "name with markup": _dhcp(discover + b"\x0c" + bytes([len(SCRIPT)]) + SCRIPT.encode() + end),
        "name of 255 bytes": _dhcp(discover + b"\x0c\xff" + b"a" * 255 + end),
        "name with NUL": _dhcp(discover + b"\x0c\x03a\0b" + end),
        "name with line end": _dhcp(discover + b"\x0c\x07a\nb c d" + end),
        "name as the portal": _dhcp(discover + b"\x0c\x05masuk" + end),
        "name in bad UTF-8": _dhcp(discover + b"\x0c\x04\xff\xfe\xc0\xaf" + end),
        "wants the box's address": _dhcp(b"\x35\x01\x03\x32\x04\x0a\x14\x00\x01" + end),
        "wants loopback": _dhcp(b"\x35\x01\x03\x32\x04\x7f\x00\x00\x01" + end),
        "declines the box's address": _dhcp(b"\x35\x01\x04\x32\x04\x0a\x14\x00\x01" + end),
        "overload": _dhcp(discover + b"\x34\x01\x03" + end),
        "client id of 255 bytes": _dhcp(discover + b"\x3d\xff" + b"i" * 255 + end),
        "relay": _dhcp(discover + b"\x52\x08\x01\x06circui" + end),
        "a thousand pads": _dhcp(discover + bytes(1_000) + end),
        "8 kB": _dhcp(discover + b"\x0c\xfe" + b"a" * 254 + (b"\x2b\xfe" + b"v" * 254) * 28 + end),
        "parameter list of 255": _dhcp(discover + b"\x37\xff" + bytes(range(255)) + end),
        "full name option": _dhcp(discover + b"\x51\x10\x0e\xff\xff" + b"a" * 13 + end),
    }


def dns() -> dict[str, bytes]:
    """Datagrams for the DNS server's port."""

    def question(name: bytes, kind: int = 1, *, flags: int = 0x0100, count: int = 1, extra: bytes = b"") -> bytes:
        return struct.pack("!HHHHHH", 0x1234, flags, count, 0, 0, 0) + name + struct.pack("!HH", kind, 1) + extra

    return {
        "empty": b"",
        "one byte": b"\0",
        "head only": struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0),
        "counts beyond the end": struct.pack("!HHHHHH", 1, 0x0100, 65_535, 65_535, 65_535, 65_535),
        "pointer to itself": question(b"\xc0\x0c"),
        "pointer loop": question(b"\x01a\xc0\x0c"),
        "pointer beyond the end": question(b"\xff\xff"),
        "label beyond the end": question(b"\x3faaa"),
        "label of 64": question(b"\x40" + b"a" * 64 + b"\0"),
        "name of 300 bytes": question(b"\x3f" + b"a" * 63 + (b"\x3f" + b"b" * 63) * 4 + b"\0"),
        "root": question(b"\0"),
        "127 labels": question(b"\x01a" * 127 + b"\0"),
        "markup": question(bytes([len(SCRIPT)]) + SCRIPT.encode() + b"\0"),
        "NUL in a label": question(b"\x03a\0b\x07example\0"),
        "dot in a label": question(b"\x03a.b\x07example\0"),
        "a response": question(b"\x01a\x07example\0", flags=0x8180),
        "opcode 15": question(b"\x01a\x07example\0", flags=0x7900),
        "update": question(b"\x01a\x07example\0", 6, flags=0x2800),
        "notify": question(b"\x01a\x07example\0", 6, flags=0x2400),
        "ANY": question(b"\x01a\x07example\0", 255),
        "AXFR": question(b"\x07example\0", 252),
        "type 0": question(b"\x01a\x07example\0", 0),
        "no question": question(b"", count=0),
        "two questions": question(b"\x01a\0", count=2, extra=b"\x01b\0\0\1\0\1"),
        "rubbish behind": question(b"\x01a\x07example\0", extra=b"\xff" * 400),
        "4 kB": question(b"\x01a\x07example\0", extra=bytes(4_000)),
        "broken EDNS": struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 1)
        + b"\x01a\0\0\1\0\1"
        + b"\0\0\x29\x10\0\0\0\0\0\xff\xff",
        "EDNS of size 0": struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 1)
        + b"\x01a\0\0\1\0\1"
        + b"\0\0\x29\0\0\0\0\0\0\0\0",
        "chaos version": struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + b"\x07version\x04bind\0\0\x10\0\x03",
        "bad UTF-8": question(b"\x04\xff\xfe\xc0\xaf\x07example\0"),
    }
