"""Several processes of one command on one machine, each told its rank (AZ-148)."""
