"""Timings of Metronome: ``python -m benchmarks NAME [--json]``. Measured here, never asserted in tests."""
