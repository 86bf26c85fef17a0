"""Vouchers in the database: batches, what each voucher is worth, and the devices that hold its places.

The database knows a code by its digest alone; a sheet is printed again from the key and the batch's salt. The salt also
keeps the codes of a database that was lost from coming up again with the batches of the next one. Called within a
transaction; what is written there is durable with it.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.config.village import Timezone
from appliance.gate.protocol import Client
from appliance.hotspot.protocol import Batch, BatchCodes, BatchVoucher, MakeBatch, VoucherState
from appliance.store.database import Database
from captive_portal import budgets, grants, local_time
from captive_portal.now import Now
from captive_portal.places import Place
from captive_portal.rules import MEGABYTE, Budget, End, left_of_quota, remaining_seconds
from captive_portal.vouchers import codes
from captive_portal.vouchers.codes import DistrictCode

SALT_BYTES: Final = 16
GIVE_BACK_SECONDS: Final = 10  # a gate that refuses does so at once; later the voucher has been of use


@dataclass(frozen=True, slots=True)
class Voucher:
    """One voucher. ``id`` is None for a district's that was never used here; ``last_day`` "" while none is known."""

    id: int | None
    digest: bytes
    serial: int
    reference: str
    devices: int
    duration_seconds: int
    quota_bytes: int | None
    speed: str
    last_day: str
    budget: Budget | None = None
    first_used_wall: int = 0
    is_void: bool = False


def state(voucher: Voucher, now: Now, timezone: Timezone) -> VoucherState:
    """What a voucher is good for now. While the date is not known none expires: the box must not shut out by guess."""
    if voucher.is_void:
        return VoucherState.VOID
    if voucher.budget is None:
        return VoucherState.EXPIRED if _is_late(voucher.last_day, now, timezone) else VoucherState.UNUSED
    is_over = not remaining_seconds(voucher.budget, now) or left_of_quota(voucher.budget) == 0
    return VoucherState.USED_UP if is_over else VoucherState.ACTIVE


def make_batch(db: Database, key: bytes, wanted: MakeBatch, now: Now, timezone: Timezone) -> int:
    """Make a batch and its vouchers; returns its id."""
    while True:
        salt = secrets.token_bytes(SALT_BYTES)
        digests = [codes.digest(key, codes.derive_local(key, salt, serial)) for serial in range(1, wanted.count + 1)]
        # Two codes of 50 bits may be one: another salt, and all are new.
        marks = ", ".join("?" * len(digests))
        taken = db.execute(f"SELECT count(*) FROM vouchers WHERE digest IN ({marks})", digests)  # noqa: S608
        if len(set(digests)) == len(digests) and not taken.fetchone()[0]:
            break
    batch_id: int = db.execute(
        "INSERT INTO voucher_batches (title, count, devices, duration_seconds, quota_megabytes, speed, valid_days,"
        " last_day, made_by, made_wall, salt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (wanted.title, wanted.count, wanted.devices, wanted.duration_seconds, wanted.quota_megabytes, wanted.speed,
         wanted.valid_days, _last_day(wanted.valid_days, now, timezone), wanted.by, now.wall_seconds, salt),
    ).fetchone()[0]  # fmt: skip
    quota_bytes = wanted.quota_megabytes * MEGABYTE or None
    db.executemany(
        "INSERT INTO vouchers (digest, batch_id, serial, reference, devices, duration_seconds, quota_bytes, speed,"
        " last_day) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')",
        [
            (digest, batch_id, serial, f"{batch_id}-{serial}", wanted.devices, wanted.duration_seconds, quota_bytes,
             wanted.speed)
            for serial, digest in enumerate(digests, 1)
        ],
    )  # fmt: skip
    return batch_id


def learn_date(db: Database, day: str) -> None:
    """Today is ``day``: batches that were made without knowing the date get their last day, counted from today."""
    for batch_id, valid_days in db.execute("SELECT id, valid_days FROM voucher_batches WHERE last_day = ''").fetchall():
        db.execute("UPDATE voucher_batches SET last_day = ? WHERE id = ?", (_days_after(day, valid_days), batch_id))


def batches(db: Database, now: Now, timezone: Timezone) -> tuple[Batch, ...]:
    """All batches, newest first. The vouchers are counted in the database: years of sheets are many thousands."""
    # The same as `state`, which the contract tests hold it to.
    sql = f"""
        SELECT batch_id, sum(is_void), sum(NOT is_void AND budget_id IS NULL), sum(NOT is_void AND
            lease_seconds > max(0, CASE budgets.boot_id WHEN :boot_id THEN :now ELSE
                coalesce(checkpoints.boot_seconds, budgets.boot_seconds) END - budgets.boot_seconds)
            AND (budgets.quota_bytes IS NULL OR used_bytes < budgets.quota_bytes)), count(*)
        FROM vouchers LEFT JOIN budgets ON budgets.id = budget_id {budgets.NOTED}
        WHERE batch_id IS NOT NULL GROUP BY batch_id
    """  # noqa: S608 - constants of this room
    found: dict[int, list[int]] = {}
    for batch_id, void_count, fresh, active, count in db.execute(
        sql, {"boot_id": now.boot_id, "now": now.boot_seconds}
    ):
        used_up = count - void_count - fresh - (active or 0)
        found[batch_id] = [fresh, active or 0, used_up, void_count]
    rows = _rows(db, "SELECT * FROM voucher_batches ORDER BY id DESC")
    return tuple(_counted(row, found[row["id"]], now, timezone) for row in rows)


def batch_codes(db: Database, key: bytes, batch_id: int, now: Now, timezone: Timezone) -> BatchCodes | None:
    """One batch with its codes; None when there is none.

    Raises:
        ValueError: the key is not the one that made it.
    """
    row = next(_rows(db, "SELECT * FROM voucher_batches WHERE id = ?", batch_id), None)
    if row is None:
        return None
    in_use = dict(
        db.execute(
            "SELECT serial, count(*) FROM voucher_devices JOIN vouchers ON vouchers.id = voucher_id WHERE batch_id = ?"
            " GROUP BY serial",
            (batch_id,),
        ).fetchall()
    )
    found = []
    for _, voucher in _vouchers(db, "batch_id = ?", batch_id):
        code = codes.derive_local(key, row["salt"], voucher.serial)
        if codes.digest(key, code) != voucher.digest:
            raise ValueError("this batch was made with another voucher.key: its codes cannot be shown")
        left = remaining_seconds(voucher.budget, now) if voucher.budget else voucher.duration_seconds
        left_bytes = left_of_quota(voucher.budget) if voucher.budget else voucher.quota_bytes
        found.append(
            BatchVoucher(
                voucher.serial, codes.printed(code), state(voucher, now, timezone), in_use.get(voucher.serial, 0), left,
                left_bytes, voucher.first_used_wall,
            )
        )  # fmt: skip
    counts = [sum(one.state is each for one in found) for each in VoucherState]
    unused, active, used_up, expired, void_count = counts
    batch = _counted(row, [unused + expired, active, used_up, void_count], now, timezone)
    return BatchCodes(batch, tuple(found))


def void(db: Database, batch_id: int, serial: int | None, now: Now) -> tuple[Client, ...] | None:
    """Withdraw a batch, or one voucher of it, and end its grants; returns whose, None when there is none."""
    chosen = [
        voucher for _, voucher in _vouchers(db, "batch_id = ? AND serial = coalesce(?, serial)", batch_id, serial)
    ]
    db.executemany("UPDATE vouchers SET is_void = 1 WHERE id = ?", [(voucher.id,) for voucher in chosen])
    used = [voucher.reference for voucher in chosen if voucher.budget is not None]
    ended = [grant for reference in used for grant in grants.of_voucher(db, reference)]
    for grant in ended:
        grants.take_back(db, grant.client, End.VOUCHER, now)
    return tuple(grant.client for grant in ended) if chosen else None


def find(db: Database, digest: bytes) -> Voucher | None:
    """The voucher whose code has this digest, None without one."""
    return next((voucher for _, voucher in _vouchers(db, "digest = ?", digest)), None)


def of_district(code: DistrictCode, digest: bytes, speed: str) -> Voucher:
    """A district's voucher that was never used here."""
    return Voucher(
        None, digest, code.serial, f"D{code.batch}-{code.serial}", code.devices, code.minutes * 60,
        code.megabytes * MEGABYTE or None, speed, code.last_day.isoformat(),
    )  # fmt: skip


def begin(db: Database, voucher: Voucher, now: Now) -> tuple[int, int]:
    """Let a voucher's time run, which it may already; returns its own id and its budget's."""
    voucher_id = voucher.id
    if voucher_id is None:
        voucher_id = db.execute(
            "INSERT INTO vouchers (digest, serial, reference, devices, duration_seconds, quota_bytes, speed, last_day)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (voucher.digest, voucher.serial, voucher.reference, voucher.devices, voucher.duration_seconds,
             voucher.quota_bytes, voucher.speed, voucher.last_day),
        ).fetchone()[0]  # fmt: skip
    if voucher.budget is not None:
        return voucher_id, voucher.budget.id
    budget_id = budgets.make(db, voucher.duration_seconds, voucher.quota_bytes, now, is_shared=True)
    db.execute(
        "UPDATE vouchers SET budget_id = ?, first_used_wall = ? WHERE id = ?", (budget_id, now.wall_seconds, voucher_id)
    )
    return voucher_id, budget_id


def places(db: Database, voucher: Voucher) -> tuple[Place, ...]:
    """Who holds a voucher's places, longest first."""
    rows = _rows(db, "SELECT * FROM voucher_devices WHERE voucher_id = ? ORDER BY rowid", voucher.id)
    return tuple(Place(Client(row["address"], row["mac"]), row["boot_id"], row["boot_seconds"]) for row in rows)


def take_place(db: Database, voucher_id: int, client: Client, now: Now, instead_of: str = "") -> None:
    """Give a device a place, instead of the MAC that held it."""
    for mac in (instead_of, client.mac):
        db.execute("DELETE FROM voucher_devices WHERE voucher_id = ? AND mac = ?", (voucher_id, mac))
    db.execute(
        "INSERT INTO voucher_devices (voucher_id, mac, address, boot_id, boot_seconds) VALUES (?, ?, ?, ?, ?)",
        (voucher_id, client.mac, client.address, now.boot_id, now.boot_seconds),
    )


def give_back(db: Database, reference: str, client: Client, now: Now) -> None:
    """Undo a redemption that the gate refused: free the place; a voucher that this began is unused again."""
    for _, voucher in _vouchers(db, "reference = ?", reference):
        db.execute("DELETE FROM voucher_devices WHERE voucher_id = ? AND mac = ?", (voucher.id, client.mac))
        budget = voucher.budget
        if budget is None or budget.used_bytes or places(db, voucher) or grants.of_voucher(db, reference):
            continue
        if budget.boot_id == now.boot_id and now.boot_seconds - budget.boot_seconds <= GIVE_BACK_SECONDS:
            db.execute("UPDATE vouchers SET budget_id = NULL, first_used_wall = 0 WHERE id = ?", (voucher.id,))
            budgets.drop(db, budget.id)


def forget_devices(db: Database, now: Now) -> None:
    """Forget who held the places of vouchers that are over: nobody needs to know any more."""
    for _, voucher in _vouchers(db, "vouchers.id IN (SELECT voucher_id FROM voucher_devices)"):
        budget = voucher.budget
        if voucher.is_void or (budget and (not remaining_seconds(budget, now) or left_of_quota(budget) == 0)):
            db.execute("DELETE FROM voucher_devices WHERE voucher_id = ?", (voucher.id,))


def _vouchers(db: Database, where: str, *values: Any) -> Iterator[tuple[int, Voucher]]:
    """Vouchers by batch and serial, each with its batch's id (0 for a district's)."""
    sql = f"""
        SELECT vouchers.*, voucher_batches.last_day AS batch_last_day, budgets.id AS budget,
            lease_seconds, budgets.boot_id, budgets.boot_seconds, budgets.quota_bytes AS budget_quota_bytes, used_bytes,
            coalesce(checkpoints.boot_seconds, budgets.boot_seconds) AS noted_boot_seconds
        FROM vouchers LEFT JOIN voucher_batches ON voucher_batches.id = batch_id
        LEFT JOIN budgets ON budgets.id = budget_id {budgets.NOTED}
        WHERE {where} ORDER BY batch_id, serial
    """  # noqa: S608 - constants of this module
    for row in list(_rows(db, sql, *values)):
        held = budgets.budget({**row, "quota_bytes": row["budget_quota_bytes"]}) if row["budget"] else None
        last_day = row["last_day"] if row["batch_id"] is None else row["batch_last_day"]
        yield row["batch_id"] or 0, Voucher(
            row["id"], row["digest"], row["serial"], row["reference"], row["devices"], row["duration_seconds"],
            row["quota_bytes"], row["speed"], last_day, held, row["first_used_wall"], bool(row["is_void"]),
        )  # fmt: skip


def _rows(db: Database, sql: str, *values: Any) -> Iterator[dict[str, Any]]:
    cursor = db.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)


def _counted(row: Mapping[str, Any], counts: list[int], now: Now, timezone: Timezone) -> Batch:
    fresh, active, used_up, void_count = counts
    expired = fresh if _is_late(row["last_day"], now, timezone) else 0
    return Batch(
        row["id"], row["title"], row["count"], row["devices"], row["duration_seconds"], row["quota_megabytes"],
        row["speed"], row["valid_days"], row["last_day"], row["made_by"], row["made_wall"],
        fresh - expired, active, used_up, expired, void_count,
    )  # fmt: skip


def _is_late(last_day: str, now: Now, timezone: Timezone) -> bool:
    return bool(last_day) and local_time.is_known(now) and _today(now, timezone) > last_day


def _today(now: Now, timezone: Timezone) -> str:
    return local_time.date_of(now.wall_seconds, timezone)


def _last_day(valid_days: int, now: Now, timezone: Timezone) -> str:
    return _days_after(_today(now, timezone), valid_days) if local_time.is_known(now) else ""


def _days_after(day: str, days: int) -> str:
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()
