"""The nouns as frozen typed structs, their states and legal transitions. Pure: no I/O, no clock.

Field names are the JSON keys of the command line's output. A value nobody could read is None and absent
from JSON. Times are aware UTC datetimes (RFC 3339 in JSON), durations seconds, sizes bytes.
"""
