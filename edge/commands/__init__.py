"""The command line: a file for each group of commands; a command reads its flags, calls, and prints.

What a command does is in `client`, `edge/ingest`, `edge/operations`, `edge/doctor`, never here.
"""
