"""What the workbench keeps on a machine: how much of what, and removing what may go."""
