"""A case as code from before R-31 to R-35 runs it: what it leaves behind is what a worker of today takes up."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.case.start_and_result import CaseClosed
    from workflows.payloads import NOTHING

from workflows.arrears_case import ArrearsCase


@workflow.defn(name="ArrearsCase")
class EarlierCase(ArrearsCase):
    """Takes over no rule; its history holds no marker of them."""

    @workflow.init
    def __init__(self, opening: RawValue = NOTHING) -> None:
        super().__init__(opening)

    @workflow.run
    async def run(self, opening: RawValue = NOTHING) -> CaseClosed:
        """As ever."""
        return await super().run(opening)

    def present_rules_count(self) -> bool:
        """Never."""
        return False
