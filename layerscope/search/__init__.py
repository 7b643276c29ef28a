"""What people type: filters, names, completion, fuzzy finding."""
