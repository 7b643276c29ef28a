"""Where an inventory comes from: one door for a live engine, a saved scan and the sample host."""
