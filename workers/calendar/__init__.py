"""The economic calendar: read from any layout, kept with what changed, and asked by whoever must avoid news."""
