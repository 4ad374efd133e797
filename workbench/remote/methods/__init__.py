"""What a machine can be asked: the methods of the link by subject, and the table of all of them."""
