"""The checks of the health task: each with a verdict, a value, its rule and what to do."""
