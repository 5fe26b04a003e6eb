"""What every SQL store shares: engine and transactions, column types, statements, migrations with their revisions.

No table and no query of a counterparty.
"""
