"""What is kept on a machine, what room it takes, and removing what is not needed any more."""
