"""What runs logged: series and their summaries, tables, values, evaluations."""
