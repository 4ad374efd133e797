"""What is kept on this side: SQLite tables, metric series, blobs, log spools, events. All SQL lives here."""
