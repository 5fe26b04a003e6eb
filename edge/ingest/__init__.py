"""The billing export: read line by line, booked, and announced to cases."""
