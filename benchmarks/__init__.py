"""Benchmarks of the parts, each compared with a minimal program for the same work."""
