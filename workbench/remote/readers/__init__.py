"""Readers of what training code already writes: event files, logs and tables of other trackers, unchanged.

Each has `read(path, state) -> Reading` and can be asked again and again while a file grows. `detect` says
which one a path belongs to, `forms` has them by name.
"""
