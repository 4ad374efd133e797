"""Models: their names, their versions against the champion, gates, histories, promotion."""
