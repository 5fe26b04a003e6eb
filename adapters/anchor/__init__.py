"""Anchors of the evidence chain: the signed file, and the register's part in it."""
