"""The web front: who asks for what, and the redirect that phones look for. No Python on the way of a probe.

Source: nginx.org/en/docs, version 1.22.
"""

from __future__ import annotations

from collections.abc import Collection

from appliance.core.config import Config
from appliance.core.config.village import VillageKind
from appliance.core.dns_block import PAGE_PORT
from appliance.network.filter_rules import filtered
from appliance.network.nftables import REDIRECT_PORT
from appliance.network.pages import BLOCKED, PAGES, Page, page

PORTAL_SOCKET = "/run/desahub-portal.sock"
KIOSK_SOCKET = "/run/desahub-kiosk.sock"
PRACTICE_SOCKET = "/run/desahub-practice.sock"
# Key and chain of portal.host in one file, so that there is no moment with one old and one new; `apply` writes it.
CERTIFICATE = "/etc/desahub/rendered/portal.pem"
# RFC 8908; what DHCP tells (RFC 8910).
CAPTIVE_API_PATH = "/captive-portal/api"
# "yes" for what came by TLS, "offered" where the same page can be had by TLS; the visitor's own is dropped.
TLS_HEADER = "X-Desa-TLS"
# The one form of the kiosk that carries a file: a workbook of residents, read and compared before there is an answer.
IMPORT_PATH = "/kantor/warga/impor"
_TEMPORARY = "/run/desahub-web"
_KINDS = {VillageKind.DESA: "Desa", VillageKind.KELURAHAN: "Kelurahan", VillageKind.DESA_ADAT: "Desa Adat"}
# Everything nginx itself may object to before a location is found.
_OBJECTIONS = "400 405 408 411 412 413 414 416 417 421 429 431 494 495 496 497 500 501 503 505"


def render(config: Config, *, https: bool = False, https_names: Collection[str] = ()) -> str:
    """The text of ``nginx.conf``, a whole configuration of its own.

    Args:
        config: the village's configuration.
        https: serve the portal with the certificate at `CERTIFICATE` as well.
        https_names: what else of this box's names that certificate is for: these are served with it, too.
    """
    tls = frozenset(https_names) if https else frozenset()
    return "\n".join(
        [
            "# Written by desahub from hub.toml; changes here are lost.",
            _MAIN,
            "http {",
            _HTTP,
            _places(config),
            *(_upstream(name, path) for name, path in _programs(config)),
            _redirect(config.portal.host),
            _everything_else(config.portal.host),
            *([_blocked(config)] if filtered(config) else []),
            _program("portal", config.portal.host, _errors(config), body_limit="64k", answer_seconds=5),
            *_kiosk(config, tls),
            *_practice(config),
            *([_tls(config, tls)] if https else []),
            "}",
            "",
        ]
    )


_MAIN = f"""\
daemon off;
worker_processes 2;
error_log stderr error;
pid {_TEMPORARY}/nginx.pid;

events {{
    worker_connections 2048;
    multi_accept on;
}}
"""

_HTTP = f"""\
    access_log off;
    server_tokens off;
    default_type application/octet-stream;
    charset utf-8;

    client_body_temp_path {_TEMPORARY}/body;
    proxy_temp_path {_TEMPORARY}/proxy;
    fastcgi_temp_path {_TEMPORARY}/fastcgi;
    uwsgi_temp_path {_TEMPORARY}/uwsgi;
    scgi_temp_path {_TEMPORARY}/scgi;

    client_header_timeout 10s;
    client_body_timeout 15s;
    send_timeout 15s;
    reset_timedout_connection on;
    keepalive_timeout 15s;
    client_header_buffer_size 2k;
    # Smaller than the programs' own limits (appliance/unit/serve.py), so that it is nginx that objects, in Indonesian.
    large_client_header_buffers 4 4k;
    client_max_body_size 64k;
    client_body_buffer_size 32k;
    # A page must not wait on disk space: what is larger than memory is streamed.
    proxy_max_temp_file_size 0;

    gzip on;
    gzip_vary on;
    gzip_min_length 512;
    gzip_types text/css text/plain image/svg+xml application/json application/javascript;

    # One device may not occupy every thread of the programs behind.
    limit_conn_zone $binary_remote_addr zone=per_device:2m;
    limit_conn_log_level info;
    # A form of the portal costs a place in the history and a write to the card. People press a button some times a
    # minute; what is not POST has no key, and no limit.
    map $request_method $desa_form {{
        default "";
        POST $binary_remote_addr;
    }}
    limit_req_zone $desa_form zone=forms:2m rate=1r/s;
    limit_req_log_level info;
    # It is this device that asks too much; the box is well.
    limit_conn_status 429;
    limit_req_status 429;
"""


def _places(config: Config) -> str:
    """Where somebody asks from, taken from the connection: the box's own screen, the office, or anywhere else."""
    lines = ["    geo $desa_place {", "        default resident;", "        127.0.0.0/8 hall;"]
    lines += [f"        {network.interface_address.network} office;" for network in config.office_networks]
    return "\n".join([*lines, "    }", ""])


def _programs(config: Config) -> tuple[tuple[str, str], ...]:
    always = (("portal", PORTAL_SOCKET), ("kiosk", KIOSK_SOCKET))
    return (*always, ("practice", PRACTICE_SOCKET)) if config.office_networks else always


def _upstream(name: str, path: str) -> str:
    return f"    upstream {name} {{\n        server unix:{path} fail_timeout=0;\n    }}\n"


def _redirect(host: str) -> str:
    """Where the firewall sends port 80 of devices without a grant. Any request, however wrong, is led to the portal."""
    return f"""\
    server {{
        listen {REDIRECT_PORT} default_server backlog=4096;
        server_name _;
        add_header Cache-Control no-store always;
        error_page {_OBJECTIONS} =302 http://{host}/;
        location / {{ return 302 http://{host}/; }}
    }}
"""


def _everything_else(host: str) -> str:
    return f"""\
    server {{
        listen 80 default_server backlog=4096;
        server_name _;
        add_header Cache-Control no-store always;
        error_page {_OBJECTIONS} =302 http://{host}/;
        location / {{ return 302 http://{host}/; }}
    }}
"""


def _blocked(config: Config) -> str:
    """Where the firewall leads port 80 of what the family filter blocks. Nothing of what was asked for is repeated."""
    answer = _page_lines(BLOCKED, _village(config), config.kiosk.host)
    return f"""\
    server {{
        listen {PAGE_PORT} default_server backlog=1024;
        server_name _;
        limit_conn per_device 24;
        limit_req zone=forms burst=60 nodelay;
        error_page {_OBJECTIONS} ={BLOCKED.answer} @{BLOCKED.name};
        location @{BLOCKED.name} {{
{answer}
        }}
        location / {{
{answer}
        }}
    }}
"""


def _kiosk(config: Config, tls: frozenset[str]) -> list[str]:
    """The village's services, plainly: at their own name, on the screen in the hall, and where letters are checked."""
    name, check = config.kiosk.host, config.letters.verification_host
    offered = "offered" if name in tls else ""
    servers = [_services(config, f"{name} localhost 127.0.0.1", by_tls=offered)]
    return [*servers, _services(config, check, rules=_CHECK)] if check else servers


def _services(config: Config, hosts: str, *, by_tls: str = "", certificate: str = "", rules: str = "") -> str:
    return _program(
        "kiosk", hosts, _errors(config), body_limit="64k", answer_seconds=30, listen="443 ssl" if certificate else "80",
        certificate=certificate, by_tls="yes" if certificate else by_tls, rules=rules,
    )  # fmt: skip


def _practice(config: Config) -> list[str]:
    """The practice mode, for the office's networks alone. Its first page waits until a village has been made up."""
    if not config.office_networks:
        return []
    errors = _errors(config, f"LATIHAN {_village(config)}", config.kiosk.practice_host)
    return [
        _program(
            "practice", config.kiosk.practice_host, errors, body_limit="64k", answer_seconds=90, rules=_OFFICE_ALONE
        )
    ]


_OFFICE_ALONE = """\
        if ($desa_place != office) { return 403; }
"""

# What a QR code leads to: short there, so that the code has few modules and a bad camera reads it. Of the services
# nothing else is there. Whoever knows an address knows the letter's verdict, so none is written down.
_CHECK = """\
        error_log /dev/null crit;
        rewrite "^/$" /cek last;
        rewrite "^/([A-Za-z0-9_-]{22,64})$" /cek/$1 last;
        if ($uri !~ "^/(cek|faces)(/|$)") { return 404; }
"""


def _tls(config: Config, tls: frozenset[str]) -> str:
    """What the certificate is for, by TLS: another name gets no handshake, and no lie."""
    host, check = config.portal.host, config.letters.verification_host
    portal = _program(
        "portal", host, _errors(config), body_limit="64k", answer_seconds=5, listen="443 ssl", certificate=CERTIFICATE,
        by_tls="yes",
    )  # fmt: skip
    servers = [portal]
    if config.kiosk.host in tls:
        servers.append(_services(config, config.kiosk.host, certificate=CERTIFICATE))
    if check in tls:
        servers.append(_services(config, check, certificate=CERTIFICATE, rules=_CHECK))
    return f"""\
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
    ssl_session_cache shared:tls:1m;
    ssl_session_tickets off;
    ssl_buffer_size 4k;

    server {{
        listen 443 ssl default_server backlog=4096;
        server_name _;
        ssl_reject_handshake on;
        # A handshake for the portal, and then a request for another name: nginx would serve a folder of its own.
        add_header Cache-Control no-store always;
        error_page {_OBJECTIONS} =302 https://{host}/;
        location / {{ return 302 https://{host}/; }}
    }}
{"".join(servers)}"""


def _program(
    name: str,
    hosts: str,
    errors: str,
    *,
    body_limit: str,
    answer_seconds: int,
    listen: str = "80",
    certificate: str = "",
    by_tls: str = "",
    rules: str = "",
) -> str:
    words = ("ssl_certificate", "ssl_certificate_key") if certificate else ()
    files = "".join(f"        {word} {certificate};\n" for word in words)
    return f"""\
    server {{
        listen {listen};
        server_name {hosts};
{files}\
        client_max_body_size {body_limit};
        limit_conn per_device 24;
        limit_req zone=forms burst=60 nodelay;
        # What gunicorn would refuse with a page of its own, in English: odd methods, and bytes outside ASCII.
        if ($request_method !~ "^(GET|HEAD|POST)$") {{ return 405; }}
        if ($request_uri ~ "[^!-~]") {{ return 400; }}
{rules}\
{errors}
        location / {{
            proxy_pass http://{name};
            proxy_http_version 1.1;
            proxy_connect_timeout 3s;
            proxy_read_timeout {answer_seconds}s;
            proxy_send_timeout 15s;
            proxy_set_header Host $host;
            # One request each: a connection that is kept costs the program more than a new one.
            proxy_set_header Connection close;
            # What the connection itself says; the visitor's own words for it are overwritten or dropped.
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Desa-Place $desa_place;
            proxy_set_header {TLS_HEADER} "{by_tls}";
            proxy_set_header X-Forwarded-For "";
            proxy_set_header X-Forwarded-Host "";
            proxy_set_header X-Forwarded-Port "";
            proxy_set_header X-Forwarded-Prefix "";
            proxy_set_header X-Forwarded-Proto "";
            proxy_set_header Forwarded "";
            proxy_set_header Proxy "";
{_IMPORT if name == "kiosk" else ""}\
        }}
    }}
"""


_IMPORT = f"""\
            location = {IMPORT_PATH} {{
                # What is sent waits in memory until it is whole: not for whoever stands outside.
                if ($desa_place = resident) {{ return 403; }}
                client_max_body_size 9m;
                proxy_read_timeout 180s;
                proxy_pass http://kiosk;
            }}
"""


def _errors(config: Config, village: str = "", services: str = "") -> str:
    """nginx's own pages of a program. ``village`` and ``services``: else the village's name and its services."""
    shown, leads_to = village or _village(config), services or config.kiosk.host
    lines = []
    for error in PAGES:
        lines.append(f"        error_page {' '.join(map(str, error.statuses))} ={error.answer} @{error.name};")
        lines.append(f"""\
        location @{error.name} {{
{_page_lines(error, shown, leads_to)}
        }}""")
    return "\n".join(lines) + "\n"


def _village(config: Config) -> str:
    return f"{_KINDS[config.village.kind]} {config.village.name}"


def _page_lines(shown: Page, village: str, services: str) -> str:
    return f"""\
            default_type "text/html; charset=utf-8";
            add_header Cache-Control no-store always;
            add_header Content-Security-Policy "{shown.policy}" always;
            add_header X-Content-Type-Options nosniff always;
            add_header Referrer-Policy no-referrer always;
            return {shown.answer} '{page(shown, village, services)}';"""
