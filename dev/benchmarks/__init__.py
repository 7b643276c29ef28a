"""What things take: `python -m dev.benchmarks` measures everything side by side."""
