"""What comes back when a set of images goes: the simulation, plans, marks and proposals."""
