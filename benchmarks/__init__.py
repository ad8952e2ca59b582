"""What the parts cost, beside what the same work costs at least."""
