"""The database: its file, its schema, what columns hold, and what changed, in the order it was committed."""
