"""Ratios against PostgreSQL itself, measured in one run; never part of the suite."""
