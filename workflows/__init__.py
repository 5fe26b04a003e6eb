"""What happens, in the order of the regulation; deterministic."""
