"""What an operator does beside the cases: proofs, papers put back, rows closed, moratoria."""
