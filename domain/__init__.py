"""The law and the facts of a case: no Temporal, no database, no clock of its own."""
