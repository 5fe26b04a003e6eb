"""Debt and how it is computed: what billing says is owed, the book, the allocation of payments, the late fee.

No procedure: nothing here knows of notices or cuts.
"""
