"""News: feeds of every dialect fetched at once, cleaned, de-duplicated, tagged and kept."""
