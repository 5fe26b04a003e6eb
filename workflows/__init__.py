"""What happens, in the order of the regulation; deterministic.

Here live the workflows: one case per overdue account, the daily sweep, the government report, the anchoring. A case is
`ArrearsCase.run` on the messages of `CaseMessages` on `CaseDesk`, whose members keep the record and ask billing.
No rule lives here: rules are pure functions in `domain`, and whatever reaches outside is an activity.
No clock, no random number, no file and no network: every line runs again at each replay.
"""
