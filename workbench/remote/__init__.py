"""What travels: everything that executes on a machine.

Standard library only, Python 3.6 to current, imports nothing of the rest of the house.
"""
