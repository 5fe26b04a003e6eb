"""The register in SQL: tables, writing, reading, counting; outbox, deliveries, moratoria, cut slots, chain, reports.

No rule of the procedure: what is written was decided before.
"""
