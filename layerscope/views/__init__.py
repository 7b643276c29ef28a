"""View models: what a view shows, as plain rows, rectangles and sentences, worked out from a LayerGraph.

Nothing here draws, waits, or knows Textual; nothing outside computes bytes. Sizes
are bytes in the store's unit. Text handed out for showing is cleaned.
"""
