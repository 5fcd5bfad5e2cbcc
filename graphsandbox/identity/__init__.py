"""The identity side: what login.microsoftonline.com does, for one tenant, on loopback."""
