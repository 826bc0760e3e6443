"""What a measurement is: pure functions on checked arrays.

No database, no web, no settings, no logging: arrays and frozen values in, arrays and frozen values out.
"""
