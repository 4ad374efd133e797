"""What somebody does on a machine by hand: commands, terminals, tools beside a run, why one hangs."""
