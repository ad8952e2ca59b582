"""Programs that use a data tree: docs/examples.md."""
