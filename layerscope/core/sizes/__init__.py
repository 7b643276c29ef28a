"""How the size of each layer is known: history entries assigned to layers, sums, and what follows from both."""
