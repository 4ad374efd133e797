"""Questions to the user: yes or no, a form, a word only the user knows, one of many."""
