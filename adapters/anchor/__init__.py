"""Anchors of the evidence chains: the signed file outside the register, and how heads get into it.

The chains themselves are in `adapters/register/chain.py`.
"""
