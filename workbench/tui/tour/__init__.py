"""The demo's guide: a line that says what to do next, and sees when it was done."""
