"""Charts of metrics: one large with a cursor, and many small ones."""
