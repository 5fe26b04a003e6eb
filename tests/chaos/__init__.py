"""Faults from outside: workers and servers killed, counterparties silent, nobody at work when a deadline passes."""
