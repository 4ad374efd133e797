"""The command line face. It speaks to the workspace alone; a command's module loads when it is used."""
