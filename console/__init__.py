"""The HTTP side: signed billing events, and the codec server for Temporal UI; no pages for staff."""
