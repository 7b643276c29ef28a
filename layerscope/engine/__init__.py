"""The engine side: finds an engine, asks it, and keeps what it said. All docker-py is here.

``connect`` finds and opens an engine, ``scan`` makes an
:class:`~layerscope.inventory.Inventory` of it, ``usage`` asks for its own
disk figures. Whatever goes wrong is an :class:`~layerscope.engine.errors.EngineError`:
one line, cause and next step. Import from the modules; this package imports
nothing, so that ``layerscope -f FILE`` never loads docker-py.
"""
