"""Checks for the doctor alone, which change nothing: databases with their outbox and clock, and the routing table.

`edge/doctor` judges what they find; nothing here does, and no worker or command imports it.
"""
