"""What every face needs to show and read text: sanitising, units, tables, plots, locations. Pure."""
