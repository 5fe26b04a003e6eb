"""The register in SQL: `reading` (lists of cases, the worklist), `writing`, `counting`, `outbox`, `chain`, `reports`.

No rule of the procedure: what is written here was decided before. No table outside `tables`.
"""
