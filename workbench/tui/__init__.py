"""The dashboard: screens, widgets and what they share. Nothing below the faces imports this."""
