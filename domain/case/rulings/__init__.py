"""What each message does to a case: one pure function a message, in files by who speaks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.case.facts import CaseFacts
from domain.case.rulings import cutting, notices, policy, signals, steering, tickets
from domain.case.rulings.approvals import decide_approval, record_filing
from domain.case.rulings.arrangements import agree_plan, record_promise
from domain.case.rulings.restoring import declare_delay, report_restored
from domain.vocabulary import Contract

Ruling = Callable[[CaseFacts, Any, datetime], tuple[CaseFacts, Contract]]
SignalRuling = Callable[[CaseFacts, Any, datetime], CaseFacts]

# `request_permit` and `request_restoration` ask the billing system in between, so the workflow calls them itself.
UPDATE_RULINGS: dict[str, Ruling] = {
    "record_delivery": notices.record_delivery,
    "acknowledge_escalation": notices.acknowledge_escalation,
    "decide_approval": decide_approval,
    "record_filing": record_filing,
    "acknowledge_ticket": tickets.acknowledge_ticket,
    "record_final_notice": tickets.record_final_notice,
    "report_cut": cutting.report_cut,
    "report_not_cut": cutting.report_not_cut,
    "report_meter_uncertain": tickets.report_meter_uncertain,
    "verify_meter": tickets.verify_meter,
    "report_restored": report_restored,
    "declare_delay": declare_delay,
    "record_promise": record_promise,
    "agree_plan": agree_plan,
    "serve_again": steering.serve_again,
    "reassign": steering.reassign,
    "change_policy": policy.change_policy,
    "close_incident": steering.close_incident,
    "withdraw": steering.withdraw,
}

SIGNAL_RULINGS: dict[str, SignalRuling] = {
    "bill_overdue": signals.bill_overdue,
    "payment_received": signals.payment_received,
    "payment_reversed": signals.payment_reversed,
    "recheck_requested": signals.recheck_requested,
    "hold_placed": signals.hold_placed,
    "hold_lifted": signals.hold_lifted,
    "supply_found_cut": signals.supply_found_cut,
}
