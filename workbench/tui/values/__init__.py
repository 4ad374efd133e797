"""What runs log besides curves, drawn: matrices, tables, texts, pictures."""
