"""A VST3 plugin of our own, to be loaded, delayed, crashed and hung."""
