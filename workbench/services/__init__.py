"""The service interface: every operation once, one class a noun."""
