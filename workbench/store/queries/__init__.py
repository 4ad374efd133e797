"""What a list of runs asks, as conditions and orders in SQL."""
