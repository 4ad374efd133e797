"""One connection: its frames, its requests, its errors, and the bytes that it carries for others."""
