"""A moratorium over many open cases: whom it reaches, and how new cut times are spread when it is lifted."""
