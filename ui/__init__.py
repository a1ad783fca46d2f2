"""What a person sees. Holds no truth and does no I/O of its own: everything comes from the engine through a link."""
