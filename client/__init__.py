"""The public contract from outside: connect to Temporal, open and ask cases, run batches, install schedules.

No settings, no database, no output: who uses it brings those.
"""
