"""Side effects, one class per counterparty, each with the small port it needs."""
