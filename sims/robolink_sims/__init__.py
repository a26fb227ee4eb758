"""Simulated robots for tests, demos and first steps, on the vendor SDK like any vendor's."""
