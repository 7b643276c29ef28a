"""Our own files: settings, pins, the log of removals, and how files are written."""
