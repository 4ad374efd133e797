"""What can be done and with which keys: one table feeds bindings, footer, palette, help and the docs."""
