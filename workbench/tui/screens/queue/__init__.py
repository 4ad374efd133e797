"""The queues of machines: who runs, who waits and why, and changing that."""
