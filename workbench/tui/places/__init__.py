"""Where one is, how one got there, and which page shows a place."""
