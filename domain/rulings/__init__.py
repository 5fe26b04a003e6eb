"""What each message does to a case: one pure function a message, in files by who speaks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from domain.facts import CaseFacts
from domain.model import Contract
from domain.rulings import cutting, field, notices, people, policy, signals

Ruling = Callable[[CaseFacts, Any, datetime], tuple[CaseFacts, Contract]]
SignalRuling = Callable[[CaseFacts, Any, datetime], CaseFacts]

# `request_permit` and `request_restoration` ask the billing system in between, so the workflow calls them itself.
UPDATE_RULINGS: dict[str, Ruling] = {
    "record_delivery": notices.record_delivery,
    "acknowledge_escalation": notices.acknowledge_escalation,
    "decide_approval": notices.decide_approval,
    "record_filing": notices.record_filing,
    "acknowledge_ticket": field.acknowledge_ticket,
    "record_final_notice": field.record_final_notice,
    "report_cut": cutting.report_cut,
    "report_not_cut": cutting.report_not_cut,
    "report_meter_uncertain": field.report_meter_uncertain,
    "verify_meter": field.verify_meter,
    "report_restored": field.report_restored,
    "declare_delay": people.declare_delay,
    "record_promise": people.record_promise,
    "agree_plan": people.agree_plan,
    "serve_again": people.serve_again,
    "reassign": people.reassign,
    "change_policy": policy.change_policy,
    "close_incident": people.close_incident,
    "withdraw": people.withdraw,
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
