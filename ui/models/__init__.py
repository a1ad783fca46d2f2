"""Table models. Rows change one by one; a model is never reset by a tick of the clock or by a run."""
