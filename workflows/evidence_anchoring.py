"""EvidenceAnchoring: every day the heads of all evidence chains are noted down outside the register (R-30)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.anchor import AnchorActivities, AnchorOrder
    from domain.record.chain import AnchorLine
    from workflows import counterparties as wait


@workflow.defn
class EvidenceAnchoring:
    """One anchoring; the schedule starts it with nothing. It stays open, and visible, while it cannot be done."""

    @workflow.run
    async def run(self) -> AnchorLine:
        """Anchor as of now."""
        return await workflow.execute_activity_method(
            AnchorActivities.anchor_evidence,
            AnchorOrder(at=workflow.now()),
            **wait.titled(wait.SWEEP, "R-30 anchor every chain's head"),
        )
