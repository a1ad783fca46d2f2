"""The engine: knows how to run, time, record and explain tasks, and nothing of any one of them."""
