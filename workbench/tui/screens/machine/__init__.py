"""One machine: what it has, what runs there, what its doctor found."""
