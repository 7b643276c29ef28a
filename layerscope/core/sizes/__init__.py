"""How the size of each layer is known: history aligned to layers, sums, and what follows from both."""
