"""What the commands do; :mod:`layerscope.cli` says how they are called. Docker-py is loaded only for a live engine."""
