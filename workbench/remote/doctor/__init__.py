"""What a machine is and what is well with it, in words and with a hint."""
