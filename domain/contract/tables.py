"""The table of all messages: name, payload, who may send it, what it is for."""

from domain.contract.signals import (
    BillOverdue,
    HoldLifted,
    HoldPlaced,
    PaymentReceived,
    PaymentReversed,
    RecheckRequested,
    SupplyFoundCut,
)
from domain.contract.updates import (
    AcknowledgeEscalation,
    AcknowledgeTicket,
    AgreePlan,
    ChangePolicy,
    CloseIncident,
    DecideApproval,
    DeclareDelay,
    Reassign,
    RecordDelivery,
    RecordFiling,
    RecordFinalNotice,
    RecordPromise,
    ReportCut,
    ReportMeterUncertain,
    ReportNotCut,
    ReportRestored,
    RequestPermit,
    RequestRestoration,
    ServeAgain,
    VerifyMeter,
    Withdraw,
)
from domain.vocabulary import Contract, Role


class MessageSpec(Contract):
    """One row of the contract: the payload, who may send it (empty: the message says), its clause."""

    payload: type[Contract]
    roles: tuple[Role, ...] = ()
    clause: str
    description: str


SIGNALS: dict[str, MessageSpec] = {
    "bill_overdue": MessageSpec(
        payload=BillOverdue, clause="II.0", description="A bill has fallen overdue; opens a case or joins it"
    ),
    "payment_received": MessageSpec(
        payload=PaymentReceived, clause="II.8", description="Money arrived: billing is asked at once"
    ),
    "payment_reversed": MessageSpec(
        payload=PaymentReversed, clause="II.0", description="A payment bounced; opens a case or joins it"
    ),
    "recheck_requested": MessageSpec(
        payload=RecheckRequested, clause="III.2", description="Ask the billing system again"
    ),
    "hold_placed": MessageSpec(
        payload=HoldPlaced, clause="I.3", description="Stop the march: dispute, hardship, medical, moratorium"
    ),
    "hold_lifted": MessageSpec(payload=HoldLifted, clause="I.3", description="A hold no longer stands"),
    "supply_found_cut": MessageSpec(
        payload=SupplyFoundCut, clause="III.4", description="The customer was found cut off for arrears"
    ),
}


UPDATES: dict[str, MessageSpec] = {
    "record_delivery": MessageSpec(
        payload=RecordDelivery,
        roles=("reader",),
        clause="II.2",
        description="A notice was signed, refused, or could not be delivered",
    ),
    "acknowledge_escalation": MessageSpec(
        payload=AcknowledgeEscalation, clause="II.2", description="The rung it was sent to has read a report"
    ),
    "decide_approval": MessageSpec(
        payload=DecideApproval, clause="III.4", description="Approve or reject the cut of one red notice"
    ),
    "record_filing": MessageSpec(
        payload=RecordFiling,
        roles=("liaison",),
        clause="III.5",
        description="Filed with the power authority, or help asked of the government",
    ),
    "acknowledge_ticket": MessageSpec(
        payload=AcknowledgeTicket,
        roles=("field_crew",),
        clause="II.3",
        description="The field unit has the disconnection or restoration ticket",
    ),
    "record_final_notice": MessageSpec(
        payload=RecordFinalNotice,
        roles=("reader",),
        clause="II.4",
        description="The customer was told the time again, 30 minutes before",
    ),
    "request_permit": MessageSpec(
        payload=RequestPermit,
        roles=("field_crew",),
        clause="II.6",
        description="The crew at the meter asks whether it may cut",
    ),
    "report_cut": MessageSpec(payload=ReportCut, clause="II.7", description="Supply was cut"),
    "report_not_cut": MessageSpec(
        payload=ReportNotCut, roles=("field_crew",), clause="II.7", description="The crew left without cutting"
    ),
    "report_meter_uncertain": MessageSpec(
        payload=ReportMeterUncertain,
        roles=("field_crew",),
        clause="II.7",
        description="The crew is unsure of the meter",
    ),
    "verify_meter": MessageSpec(
        payload=VerifyMeter,
        roles=("reader",),
        clause="II.7",
        description="The reader says whether it is the right meter",
    ),
    "request_restoration": MessageSpec(
        payload=RequestRestoration,
        roles=("hotline", "reader", "operator"),
        clause="III.1",
        description="A customer asks for supply through 95598 or the counter",
    ),
    "report_restored": MessageSpec(payload=ReportRestored, clause="III.3", description="Supply is back"),
    "declare_delay": MessageSpec(
        payload=DeclareDelay,
        roles=("team_leader", "centre_director"),
        clause="III.3",
        description="Restoration will exceed 24 hours; customer and leader were told",
    ),
    "record_promise": MessageSpec(
        payload=RecordPromise,
        roles=("reader", "team_leader"),
        clause="I.3",
        description="The customer promises an amount by a date",
    ),
    "agree_plan": MessageSpec(
        payload=AgreePlan,
        roles=("team_leader", "centre_director"),
        clause="I.3",
        description="Instalments are agreed",
    ),
    "serve_again": MessageSpec(
        payload=ServeAgain,
        roles=("reader", "team_leader"),
        clause="II.2",
        description="Give up this attempt and plan a new time",
    ),
    "reassign": MessageSpec(
        payload=Reassign,
        roles=("team_leader", "centre_director"),
        clause="II.2",
        description="Another reader, team leader or field unit takes over",
    ),
    "change_policy": MessageSpec(
        payload=ChangePolicy,
        roles=("operator", "company_leader"),
        clause="II.0",
        description="The case goes on under another policy; no deadline moves forward",
    ),
    "close_incident": MessageSpec(
        payload=CloseIncident,
        roles=("centre_director", "company_leader"),
        clause="III.4",
        description="An incident has its outcome",
    ),
    "withdraw": MessageSpec(
        payload=Withdraw,
        roles=("centre_director",),
        clause="I.3",
        description="End the case without a cut, or restore if cut",
    ),
}


HOLD_ROLES: frozenset[str] = frozenset(("team_leader", "centre_director", "company_leader", "liaison", "operator"))


OPENING_SIGNALS: tuple[str, ...] = ("bill_overdue", "supply_found_cut", "payment_reversed")
