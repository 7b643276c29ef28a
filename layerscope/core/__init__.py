"""The pure core: from an inventory to a graph of layers, and what a removal frees. No I/O in here, ever."""
