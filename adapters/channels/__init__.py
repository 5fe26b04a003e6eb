"""How messages leave: `routes` (the table), `apprise` (the sending), `customers`, and `dispatcher` of the outbox.

The outbox itself, a queue in the register, is in `adapters/register/outbox.py`.
"""
