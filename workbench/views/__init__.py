"""How the nouns look, the same on the command line and on screens. Pure: JSON in, cells out."""
