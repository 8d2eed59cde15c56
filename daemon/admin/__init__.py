"""The admin socket: how commands and tools on this machine speak to the supervisor. No event and no request goes through it."""
