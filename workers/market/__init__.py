"""Quotes and bars as they are stored: marked with their quality, in UTC, never invented."""
