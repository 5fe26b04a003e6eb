"""Time and policy as the regulation sees them: clock, calendar, clauses, policies, the circumstances of a day.

No case, no record, no message: what stands here is true of every account alike.
"""
