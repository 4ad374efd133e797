"""MLflow's real client against our endpoint and against its own server; and our endpoint's wire without it."""
