"""Measurements that a person runs. Nothing of the library imports them, and no test depends on their figures."""
