"""Settings from the environment: their model, how a field is read, how weak one may be, and what the doctor asks."""
