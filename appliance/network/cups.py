"""CUPS' two configuration files: a printing system for this box alone. Pure text.

What was submitted lies in memory until it is printed, and nothing of it stays (`systemd/hub/desahub-printer.service`
gives the folders). Source: cupsd.conf(5), cups-files.conf(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DAEMON_FILE: Final = "cupsd.conf"
FILES_FILE: Final = "cups-files.conf"
# A day: so long CUPS itself knows which key was printed. It remembers receipt codes, never names.
_HISTORY_SECONDS: Final = 86_400
_JOBS_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Places:
    """Where CUPS finds its things; tests have their own. ``programs`` holds filter/ and backend/."""

    socket: str = "/run/desahub-printer/cups.sock"
    queues: str = "/etc/cups"
    state: str = "/var/cache/cups/state"
    cache: str = "/var/cache/cups"
    spool: str = "/var/spool/cups"
    programs: str = "/usr/lib/cups"


def daemon(places: Places = Places()) -> str:
    """``cupsd.conf``."""
    return f"""\
# Written by "desahub apply".
LogLevel warn
MaxLogSize 0
# No page log: who printed what is nobody's business.
PageLogFormat

# Nobody reaches it but over this socket, whose folder is the kiosk's and root's.
Listen {places.socket}
Browsing No
WebInterface No
DefaultAuthType Basic

# Paper that is out may come tomorrow: a job waits for it, however long.
MaxJobTime 0
# What failed may be on paper in part: a person decides whether to print it again.
ErrorPolicy abort-job
# The paper itself is gone as soon as it is printed.
PreserveJobFiles No
PreserveJobHistory {_HISTORY_SECONDS}
MaxJobs {_JOBS_MAX}
DirtyCleanInterval 0
JobKillDelay 5
# A printer that takes no job for the moment is looked at often.
JobRetryInterval 5

<Location />
  Order allow,deny
</Location>
# Who reaches the socket may look at jobs by their receipt codes, and stop them.
<Policy default>
  JobPrivateAccess all
  JobPrivateValues none
  SubscriptionPrivateAccess all
  SubscriptionPrivateValues none
  <Limit Create-Job Print-Job Print-URI Validate-Job Cancel-Job Cancel-Jobs Cancel-My-Jobs Close-Job>
    Order deny,allow
  </Limit>
  <Limit All>
    Order deny,allow
  </Limit>
  <Limit CUPS-Get-Document>
    AuthType Default
    Require user @SYSTEM
    Order deny,allow
  </Limit>
  <Limit CUPS-Add-Modify-Printer CUPS-Delete-Printer CUPS-Add-Modify-Class CUPS-Delete-Class CUPS-Set-Default \
CUPS-Get-Devices CUPS-Accept-Jobs CUPS-Reject-Jobs Pause-Printer Resume-Printer Enable-Printer Disable-Printer>
    AuthType Default
    Require user @SYSTEM
    Order deny,allow
  </Limit>
</Policy>
"""


def files(places: Places = Places()) -> str:
    """``cups-files.conf``."""
    return f"""\
# Written by "desahub apply".
SystemGroup root
User lp
Group lp
ServerRoot {places.queues}
StateDir {places.state}
CacheDir {places.cache}
RequestRoot {places.spool}
ServerBin {places.programs}
# Only what goes wrong, to the journal; it names jobs by number.
ErrorLog stderr
AccessLog /dev/null
PageLog /dev/null
# Devices that are plain files are for trying out.
FileDevice No
"""
