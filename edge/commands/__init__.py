"""The command line: a file for each group of commands; each reads its flags, calls, and prints.

What a command does stands in `client`, `edge/ingest`, `edge/operations`, `edge/doctor`.
"""
