"""How much a client address may send without credentials: one limit, whatever the number of acceptors."""
