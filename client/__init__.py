"""The public contract from outside: how a program reaches Temporal, opens cases, sends messages, sets schedules.

It knows `domain` and `workflows` alone: no settings, no database, no output.
"""
