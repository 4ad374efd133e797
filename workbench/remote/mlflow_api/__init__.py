"""MLflow's tracking interface beside a run: what an unmodified script logs there becomes records of it."""
