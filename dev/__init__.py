"""What only developers run: benchmarks, the sample host, pictures."""
