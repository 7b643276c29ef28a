"""Every document that the program prints: reports and plans, as JSON, CSV and text."""
