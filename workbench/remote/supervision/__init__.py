"""Looking after a run, from its submission to its end, whatever happens to who looks after it."""
