"""Clean-up, archive and care of the CSV files: what may be touched, how old it is, and how nothing gets lost."""
