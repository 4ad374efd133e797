"""Services over HTTP on the home's Unix socket, and the process that serves them."""
