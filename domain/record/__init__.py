"""What the register keeps, as contracts: evidence and its kinds, rows, a case file, the chain, deliveries, moratoria.

No decision of a case is made here, and no SQL stands here.
"""
