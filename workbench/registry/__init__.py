"""Models: what their files are, the gates they go through, how they come here and how they are promoted."""
