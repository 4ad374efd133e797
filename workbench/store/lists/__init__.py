"""Pages of runs: the table, its order, its groups, and the names that its filters know."""
