"""Frozen networks behind one protocol."""
