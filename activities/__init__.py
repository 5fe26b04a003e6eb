"""The activities of cases, sweep, report and anchoring: a class and its port for each counterparty.

No SQL, no HTTP, no clock: an adapter stands behind each port, and "now" comes with the order.
"""
