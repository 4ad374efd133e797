"""What is wrong with a machine: rules over what is measured of it, and when they call. Pure."""
