"""The search attributes by which operators find cases in Temporal UI: names, types, nothing personal."""

from temporalio.common import SearchAttributeKey

STAGE = SearchAttributeKey.for_keyword("ArrearsStage")
CUSTOMER_CLASS = SearchAttributeKey.for_keyword("CustomerClass")
READING_CENTRE = SearchAttributeKey.for_keyword("ReadingCentre")
REGION = SearchAttributeKey.for_keyword("Region")
WAITING_FOR = SearchAttributeKey.for_keyword_list("WaitingFor")
AMOUNT_OWED = SearchAttributeKey.for_float("AmountOwed")
PLANNED_CUT_AT = SearchAttributeKey.for_datetime("PlannedCutAt")
RESTORE_DUE_BY = SearchAttributeKey.for_datetime("RestoreDueBy")
NEXT_DEADLINE = SearchAttributeKey.for_datetime("NextDeadline")

ALL = (
    STAGE,
    CUSTOMER_CLASS,
    READING_CENTRE,
    REGION,
    WAITING_FOR,
    AMOUNT_OWED,
    PLANNED_CUT_AT,
    RESTORE_DUE_BY,
    NEXT_DEADLINE,
)
"""Every attribute a namespace needs before a case can be shown. SQL visibility has room for three datetimes only."""
