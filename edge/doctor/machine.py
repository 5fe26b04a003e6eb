"""The doctor's check of this machine: settings, policy, routing table, folders, disks, the anchor file."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from activities.anchor import AnchorBroken
from adapters.checkup.channels import check_channels
from composition.places import nearest, takes_nothing
from composition.settings.checkup import ReadSettings
from composition.settings.model import Settings
from domain.law.policy_choice import load_policies
from domain.law.policy_file import PolicyError
from edge.doctor.finding import Finding, broken, ok, spoken, warning

DAILY = timedelta(hours=26)
"""What is done every day has been missed when it is this old."""
GIB = 1024**3
LITTLE, TOO_LITTLE = GIB, GIB // 10
"""Bytes free."""


def settings(read: ReadSettings) -> Iterator[Finding]:
    """Whether every variable can be used, is known, and is strong enough for what it is used for."""
    part = "settings"
    for sentence in read.wrong:
        yield broken(part, sentence, "correct it in the environment or in .env; the default is checked below")
    for name in read.unknown:
        yield warning(part, f"{name} is set, and is no setting of this program", "correct its spelling, or remove it")
    found = read.settings
    production = found.mode == "production"
    for sentence in read.weak if production or not read.local else ():
        if production:
            yield broken(part, sentence, "mend it: in production neither a worker nor a command starts with it")
        else:
            yield warning(part, sentence, "mend it, and set ARREARS_MODE=production")
    if not read.wrong and not read.unknown and (read.local or not read.weak):
        source = read.env_file if read.env_file.is_file() else "the environment alone"
        where = ", everything on this machine" if read.local else ""
        yield ok(part, f"read from {source}; mode {found.mode}{where}")


def policy(found: Settings) -> Iterator[Finding]:
    """Whether the policy pack can be used."""
    try:
        loaded = load_policies(found.policy)
    except PolicyError as problem:
        for line in str(problem).splitlines():
            yield broken(
                "policy", line, "correct the file, or name another in ARREARS_POLICY; no worker starts with it"
            )
        return
    labels = ", ".join(policy.label for policy in loaded.every)
    yield ok("policy", f"{labels}, days of {loaded.default.timezone}")


def documents(folder: Path) -> Iterator[Finding]:
    """Whether papers can be put down where they belong."""
    if reason := takes_nothing(folder):
        yield broken("documents", f"{folder}: {reason}", "correct ARREARS_DOCUMENTS, the folder's rights, or make room")
        return
    made = nearest(folder) == folder
    yield ok("documents", f"{folder} can be written" if made else f"{folder} can be made when needed")


def channels(found: Settings) -> Iterator[Finding]:
    """Whether the routing table of delivery channels can be used, and whom it leaves out."""
    part = "channels"
    if found.routes_file is None:
        says = "ARREARS_NOTIFY is not set: nothing is sent; people work from their worklists, readers notify customers"
        do = "write a routing table (docs/operating.md, Channels)"
        yield warning(part, says, do) if found.mode == "production" else ok(part, says)
        return
    seen = check_channels(found.routes_file)
    if seen.wrong is not None:
        yield broken(part, seen.wrong, "correct it, or ARREARS_NOTIFY; no worker starts with it")
        return
    if seen.plain:
        says = f"{', '.join(seen.plain)}: texts would go to another machine in clear"
        do = "use mailtos://, jsons:// and the like; in production no worker starts with it"
        yield (broken if found.mode == "production" else warning)(part, says, do)
    if seen.without:
        says = f"no entry for {', '.join(seen.without)}: what is for them is given up (`deliveries --given-up`)"
        yield warning(part, says, f"add [[staff]] entries to {seen.path}")
    if seen.in_part:
        says = f"for {', '.join(seen.in_part)} there are entries of some units or persons alone; nothing goes to others"
        yield warning(part, says, f"add [[staff]] entries that name the role alone to {seen.path}")
    if not (seen.plain or seen.without or seen.in_part):
        customers = ", ".join(seen.customers) or "their readers alone"
        yield ok(part, f"{seen.path}: every role has a channel; customers are notified by {customers}")


def anchor(found: Settings, now: datetime) -> Iterator[Finding]:
    """Whether the heads of the evidence are noted down outside the register, lately, and unchanged."""
    file = found.anchor_file
    if file is None:
        weak = "ARREARS_ANCHOR is not set: who owns the register could rebuild its evidence unseen"
        do = "set it, and ARREARS_ANCHOR_KEY (docs/security.md, Setting it up)"
        yield warning("anchor", weak, do) if found.mode == "production" else ok("anchor", "not used (ARREARS_ANCHOR)")
        return
    try:
        lines = file.lines()
        if lines and next(file.heads(lines[-1]), None) is None and lines[-1].accounts:
            raise AnchorBroken("链尾清单为空", "the list of heads is empty")
    except AnchorBroken as problem:
        yield broken("anchor", f"{file.path}: {problem}", "keep it as it is, and have it examined (docs/security.md)")
        return
    if not lines:
        yield warning("anchor", f"{file.path} is not there, or holds nothing yet", "python starter.py anchor")
    elif (age := now - lines[-1].at) > DAILY:
        do = "python starter.py anchor; the schedule evidence-anchor should do it daily (schedules install)"
        yield warning("anchor", f"{file.path}: last anchored {spoken(age)} ago", do)
    else:
        yield ok("anchor", f"{file.path}: no. {lines[-1].number}, {spoken(age)} ago, {lines[-1].accounts} accounts")


def _free(place: Path) -> int:
    return shutil.disk_usage(place).free


def disks(places: Iterable[Path], free: Callable[[Path], int] = _free) -> Iterator[Finding]:
    """Whether there is room where this program writes."""
    there = sorted({nearest(place) for place in places})
    of_each_disk = {place.stat().st_dev: place for place in reversed(there)}
    for place in sorted(of_each_disk.values()):
        left = free(place)
        says = f"{place}: {left / GIB:.1f} GiB free"
        if left < TOO_LITTLE:
            yield broken("disk", says, "make room now: what cannot be written is tried for ever, and nothing moves")
        elif left < LITTLE:
            yield warning("disk", says, "make room before it is full")
        else:
            yield ok("disk", says)
