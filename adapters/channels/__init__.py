"""How messages leave the house: routes, Apprise, the customer's channels, the dispatcher of the outbox."""
