"""What the doctor asks of databases and channels; nobody else may import it."""
