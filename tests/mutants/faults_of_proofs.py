"""Faults of the proof, by which it would overlook a breach of R-31 to R-35, or see one where there is none."""

from tests.mutants.fault import Fault

T_ANNOUNCED = "tests/domain/proof/test_announced_payments.py"
T_RECORD = "tests/domain/proof/test_present_record.py"
T_METERS = "tests/domain/proof/test_meters_and_units.py"
T_TRIFLE = "tests/domain/proof/test_nothing_owed.py::test_no_cut_for_a_trifle"


def fault(name: str, module: str, right: str, wrong: str, test: str) -> Fault:
    """A fault in one module of the proof."""
    return Fault(f"the proof {name}", "proof", f"domain/proof/{module}.py", right, wrong, (test,))


FAULTS: tuple[Fault, ...] = (
    fault(
        "judges a case by rules that did not count for it",
        "reading",
        """(text(e, "rules") or "") >= rule for e in says""",
        """(text(e, "rules") or "R-99") >= rule for e in says""",
        T_TRIFLE,
    ),
    fault(
        "judges what was done before the rules were taken over",
        "reading",
        'for e in self.all("case.opened", "rules.adopted") if e.seq < entry.seq)',
        'for e in self.all("case.opened", "rules.adopted"))',
        T_RECORD,
    ),
    fault(
        "lets a permit be granted while a payment is awaited",
        "announced",
        "kept = sum(awaited.values()) < _lacking(r, permit, asked)",
        "kept = sum(awaited.values()) < 2 * _lacking(r, permit, asked)",
        T_ANNOUNCED,
    ),
    fault(
        "believes announcements for ever",
        "announced",
        "for e in nothing) < _BELIEVED",
        "for e in nothing) >= 0",
        T_ANNOUNCED,
    ),
    fault(
        "counts what came to nothing before the rule",
        "announced",
        'sum(e.seq < missed.seq and r.counts("R-31", e) for e in nothing)',
        "sum(e.seq < missed.seq for e in nothing)",
        T_ANNOUNCED,
    ),
    fault(
        "leaves a permit open for a message that would settle",
        "announced",
        "yield check(r.revoked_with(hint), still_open, hint, r.ended(still_open))",
        "yield check(True, still_open, hint, r.ended(still_open))",
        T_ANNOUNCED,
    ),
    fault(
        "takes a permit that was revoked later for one revoked at once",
        "reading",
        "end.recorded_at <= entry.recorded_at)",
        "end.seq > entry.seq)",
        T_ANNOUNCED,
    ),
    fault(
        "counts twice what billing lists of a payment",
        "announced",
        'amount(hint, "amount") - amount(hint, "listed") >=',
        'amount(hint, "amount") >=',
        T_ANNOUNCED,
    ),
    fault(
        "lets billing be silent for as long as a permit lasts",
        "announced",
        "_ANSWERED_WITHIN = timedelta(seconds=15)",
        "_ANSWERED_WITHIN = timedelta(minutes=15)",
        T_ANNOUNCED,
    ),
    fault(
        "overlooks announced payments in P2",
        "supply",
        "    yield from announced_payments_stop_permits(r)\n",
        "    _ = announced_payments_stop_permits\n",
        T_ANNOUNCED,
    ),
    fault(
        "takes a record that was read before the half-hour",
        "changed_record",
        "begins <= first and",
        "first and",
        T_RECORD,
    ),
    fault(
        "does not ask whether the record was read at the permit",
        "changed_record",
        "again >= permit.recorded_at - _SKEW",
        "again >= first",
        T_RECORD,
    ),
    fault(
        "takes the notices of a former holder",
        "changed_record",
        '("name" in fields and change.seq > (yellow or red).seq)',
        '("name" in fields and change.seq > ticket.seq)',
        T_RECORD,
    ),
    fault(
        "takes a red notice at the former address",
        "changed_record",
        "change.seq > red.seq or on_its_way",
        "on_its_way",
        T_RECORD,
    ),
    fault(
        "takes a meter replaced after the approval",
        "changed_record",
        "for e in (approved, ticket) if e is not None",
        "for e in (ticket,) if e is not None",
        T_RECORD,
    ),
    fault(
        "does not miss the report of a change",
        "changed_record",
        "check(raised is not None and raised.recorded_at - change.recorded_at <= _SKEW, change, raised)",
        "check(True, change, raised)",
        T_RECORD,
    ),
    fault(
        "overlooks a new holder without supply",
        "changed_record",
        '            if "name" in _fields(change):\n',
        '            if "name" in _fields(change) and r.cuts == ():\n',
        T_RECORD,
    ),
    fault(
        "leaves the record out of P1",
        "rules",
        "    changed_record.read_in_the_last_half_hour,\n",
        "",
        T_RECORD,
    ),
    fault(
        "compares a meter with a twin in any spelling",
        "meters",
        'return one == other if said.detail.get("meter_has_twin") else same_id(one, other)',
        "return same_id(one, other)",
        T_METERS,
    ),
    fault(
        "lets any crew restore",
        "meters",
        'return back.actor_role == "field_crew" and ours',
        'return back.actor_role == "field_crew"',
        T_METERS,
    ),
    fault(
        "does not miss that a report was to be confirmed",
        "meters",
        "check(all(ticket.about in asked for ticket in open_then), *open_then, reported)",
        "check(True, *open_then, reported)",
        T_METERS,
    ),
    fault(
        "lets a permit be given while our meter is doubted",
        "meters",
        "waited = permit is None or (seen is not None and seen.seq < permit.seq)",
        "waited = permit is None or seen is not None or permit is not None",
        T_METERS,
    ),
    fault(
        "takes anybody's word for our meter",
        "meters",
        'if v.seq > found.seq and v.actor_role == "reader"',
        "if v.seq > found.seq",
        T_METERS,
    ),
    fault(
        "lets another customer's ticket name the debtor",
        "meters",
        "paper.detail.get(ANOTHERS_ACCOUNT) in (None, account)",
        "paper.detail.get(ANOTHERS_ACCOUNT) is None",
        T_METERS,
    ),
    fault(
        "does not miss another customer's restoration ticket",
        "meters",
        "sent_or_soon = ticket is not None or r.reaches <= found.recorded_at + _SKEW",
        "sent_or_soon = True",
        T_METERS,
    ),
    fault(
        "counts a neighbour's cut as this customer's",
        "meters",
        'if ours and not cut.detail.get("neighbour") and r.counts("R-34", cut):',
        'if not ours and r.counts("R-34", cut):',
        T_METERS,
    ),
    fault(
        "takes a trifle for enough",
        "nothing_owed",
        'amount(asked, "named") > allowed, asked, permit)',
        'amount(asked, "named") > 0, asked, permit)',
        T_TRIFLE,
    ),
)
