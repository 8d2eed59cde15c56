"""Look-ups behind the questions of acceptors."""
