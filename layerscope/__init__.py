"""layerscope: what Docker images really cost on disk."""

__version__ = "0.1.0"
