"""Keep rules: which images may go by them, and what that really frees."""
