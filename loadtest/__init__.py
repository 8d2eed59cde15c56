"""`tidegate-load`: sends what agents, browsers and attackers send, and says how the server took it (docs/load-testing.md)."""
