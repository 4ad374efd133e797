"""The files of a machine: looked through, read, brought and fetched, changed, and what takes the room."""
