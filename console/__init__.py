"""The HTTP side: signed billing events, the codec server for Temporal UI, figures for Prometheus; no pages for staff.

It takes and answers requests. What a message means, and what the register says, it asks of `client` and `composition`.
"""
