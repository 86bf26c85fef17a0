"""Configuration of the NOC's broker, as pure text: mosquitto with mutual TLS and one narrow door for each client.

The user name and the client id are the certificate's common name, so no client chooses who it is. A hub writes its own
report, state, marks of letters and results of commands, and reads its own acknowledgements and commands. The ingest's
workers read all reports, states and marks, and write acknowledgements; each says to itself that the way is open. The
NOC's commands write commands and read results. There is no other client. Certificates in ``revocation_list`` are not
let in; a reload (SIGHUP) reads it again.

Source: mosquitto.conf(5), version 2.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.core.report import MESSAGE_BYTES_MAX
from noc.enrol import COMMANDS_NAME, INGEST_WORKERS_MAX, ear_topic, ingest_name


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    """Where the broker listens and where its files are. ``bind_address`` empty means every address."""

    directory: Path
    data_directory: Path
    revocation_list: Path
    bind_address: str = ""
    port: int = 8883


def mosquitto_conf(plan: BrokerPlan) -> str:
    """Write ``mosquitto.conf``."""
    address = f" {plan.bind_address}" if plan.bind_address else ""
    return f"""\
# Written by desahub-noc init. The log goes to standard error, which is the journal.
per_listener_settings false
allow_anonymous false
acl_file {plan.directory}/acl
log_dest stderr
log_type error
log_type warning
log_type notice

# What is queued for the ingest survives a restart of the broker. It is no promise to a hub: only the NOC's own
# acknowledgement, sent after its commit, empties a hub's outbox.
persistence true
persistence_location {plan.data_directory}/
autosave_interval 30
persistent_client_expiration 7d
max_queued_messages 20000
max_queued_bytes 268435456
max_inflight_messages 500
message_size_limit {MESSAGE_BYTES_MAX}
max_keepalive 3600

listener {plan.port}{address}
cafile {plan.directory}/ca.crt
crlfile {plan.revocation_list}
certfile {plan.directory}/server.crt
keyfile {plan.directory}/server.key
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.2
"""


def acl() -> str:
    """Write the access list. ``%u`` is the user name: the common name of the client's certificate."""
    workers = "\n".join(_worker(ingest_name(number)) for number in range(1, INGEST_WORKERS_MAX + 1))
    return f"""\
# Written by desahub-noc init.
{workers}
user {COMMANDS_NAME}
topic write desahub/1/+/command
topic read desahub/1/+/command-result

# A hub: each line holds for the client whose name stands in the topic.
pattern write desahub/1/%u/report
pattern write desahub/1/%u/state
pattern write desahub/1/%u/letter-marks
pattern write desahub/1/%u/command-result
pattern read desahub/1/%u/ack
pattern read desahub/1/%u/command
"""


def _worker(name: str) -> str:
    return f"""\
user {name}
topic read desahub/1/+/report
topic read desahub/1/+/state
topic read desahub/1/+/letter-marks
topic write desahub/1/+/ack
topic readwrite {ear_topic(name)}
"""
