"""The files of this machine, any its user may see: listed, read, written, changed."""
