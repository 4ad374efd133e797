"""Making runs from the dashboard: a form that shows its command line, and the sending beside the loop."""
