"""Who may send, and how much: credentials, secret tokens, API keys, anonymous senders. Pure."""
