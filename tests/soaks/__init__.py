"""Long runs against real processes: each is a function with figures, short in the suite, long by `python -m tests.soak`."""
