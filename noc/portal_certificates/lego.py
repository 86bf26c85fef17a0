"""The real source: Debian's ``lego``, which speaks ACME to the authority and knows a hundred DNS providers.

The account's key is made by lego at the first run, in a folder of this user's alone. The words of the DNS provider
come to it in its environment, and are taken out of everything that it says.

Source: RFC 8555 (ACME), section 6.7 (its errors) and 8.4 (DNS-01); lego 4.9 (Debian 12), its command line.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

from appliance.core.errors import OperationError
from appliance.system.processes import SYSTEM_PATH, run
from noc.portal_certificates.plan import Plan
from noc.portal_certificates.source import Failed, Trouble

PROGRAM: Final = "lego"
# A record may need minutes until every name server shows it.
SECONDS: Final = 600.0
_WORD: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
# Shorter values are no secrets, and would make holes into every text.
_SECRET_CHARACTERS_MIN: Final = 6
_SHOWN: Final = 300
_STAMP: Final = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
# In this order: the first that is found says what stands in the way.
_SIGNS: Final = (
    (":error:rateLimited", Trouble.RATE_LIMITED),
    ("error: 429", Trouble.RATE_LIMITED),
    ("Could not complete registration", Trouble.ACCOUNT),
    (":error:accountDoesNotExist", Trouble.ACCOUNT),
    (":error:userActionRequired", Trouble.ACCOUNT),
    (":error:externalAccountRequired", Trouble.ACCOUNT),
    ("credentials information are missing", Trouble.PROVIDER),
    ("unrecognized DNS provider", Trouble.PROVIDER),
    ("error presenting token", Trouble.DNS_UPDATE),
    ("time limit exceeded", Trouble.NOT_SEEN),
    (":error:rejectedIdentifier", Trouble.REFUSED),
    (":error:caa", Trouble.REFUSED),
    (":error:badCSR", Trouble.REFUSED),
    (":error:unauthorized", Trouble.NOT_SEEN),
    (":error:incorrectResponse", Trouble.NOT_SEEN),
    (":error:dns", Trouble.NOT_SEEN),
    ("Could not create client", Trouble.CA_AWAY),
    (":error:serverInternal", Trouble.CA_AWAY),
    ("connection refused", Trouble.CA_AWAY),
    ("i/o timeout", Trouble.CA_AWAY),
    ("no such host", Trouble.CA_AWAY),
)


class Lego:
    """Runs lego. ``folder`` is for its account and what it writes, ``credentials`` go into its environment."""

    def __init__(self, plan: Plan, credentials: Mapping[str, str], folder: Path, *, program: str = PROGRAM) -> None:
        self._plan, self._credentials, self._folder, self._program = plan, credentials, folder, program

    def obtain(self, request_pem: bytes) -> bytes:
        """Obtain a chain. Raises `Failed`."""
        request, made = self._folder / "request.pem", self._folder / "certificates"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._forget(made)
            request.write_bytes(request_pem)
            status, said = self._run(request)
            found = [path for path in made.glob("*.crt") if not path.name.endswith(".issuer.crt")]
            if status == 0 and len(found) == 1:
                return found[0].read_bytes()
            raise Failed(trouble_of(said), self._shown(said))
        except OSError as error:
            raise Failed(Trouble.OTHER, f"{error.filename}: {error.strerror}") from None
        finally:
            request.unlink(missing_ok=True)
            self._forget(made)
            # Debian 12's makes the account's key for everybody to read.
            for key in self._folder.glob("accounts/**/*.key"):
                key.chmod(0o600)

    def _run(self, request: Path) -> tuple[int, str]:
        plan = self._plan
        argv = [self._program, "--accept-tos", "--server", plan.directory, "--email", plan.email]
        argv += ["--path", str(self._folder), "--dns", plan.provider]
        argv += [word for resolver in plan.resolvers for word in ("--dns.resolvers", resolver)]
        argv += [] if plan.asks_nameservers else ["--dns.disable-cp"]
        argv += ["--csr", str(request), "run"]
        environment = {**self._credentials, "PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "HOME": str(self._folder)}
        try:
            done = run(argv, timeout_seconds=SECONDS, environment=environment, accepted=(0, 1))
        except OperationError as error:
            raise Failed(Trouble.OTHER, self._shown(str(error))) from None
        return done.status, f"{done.output}\n{done.errors}"

    def _shown(self, said: str) -> str:
        """The end of what was said, which tells the error; on one line, and without the provider's words."""
        lines = [_STAMP.sub("", line).strip() for line in said.splitlines() if "[INFO]" not in line]
        text = " ".join(" ".join(line for line in lines[-4:] if line).split())
        for value in sorted(_as_said(self._credentials.values()), key=len, reverse=True):
            text = text.replace(value, "…")
        return "".join(character for character in text if character.isprintable())[-_SHOWN:]

    @staticmethod
    def _forget(made: Path) -> None:
        for path in made.glob("*"):
            path.unlink(missing_ok=True)


def _as_said(values: Iterable[str]) -> set[str]:
    """Secrets in each form in which a provider's error may show them: its address, or what was sent."""
    secrets = [value for value in values if len(value) >= _SECRET_CHARACTERS_MIN]
    as_address = {form(value, safe="") for value in secrets for form in (quote, quote_plus)}
    as_sent = {base64.b64encode(value.encode()).decode().rstrip("=") for value in secrets}
    # Go writes an address that it cannot reach in quotes, and what is in it with backslashes.
    return {*secrets, *as_address, *as_sent, *(json.dumps(value)[1:-1] for value in secrets)}


def trouble_of(said: str) -> Trouble:
    """Tell what stands in the way, by what lego said. What it tried again with success counts for nothing."""
    lines = [line for line in said.splitlines() if "[INFO]" not in line and "[WARN]" not in line]
    text = "\n".join(lines)
    return next((trouble for sign, trouble in _SIGNS if sign in text), Trouble.OTHER)


def parse_credentials(text: str) -> dict[str, str]:
    """Read a file of lines ``NAME=VALUE``; blank lines and those that begin with # say nothing.

    Raises:
        OperationError: a line is neither; its number is told, never what is in it.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().partition("=")
        if not equals or not _WORD.fullmatch(name) or name in ("PATH", "HOME", "LC_ALL") or name.startswith("LD_"):
            raise OperationError(f"portal.env, line {number}: allowed is NAME=VALUE with a word of the DNS provider")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[name] = value
    return found
