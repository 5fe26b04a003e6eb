"""What operators do besides sending messages: proof, papers-again, close-row, moratorium.

`edge/commands` reads the flags and prints. SQL is in `adapters/register`.
"""
