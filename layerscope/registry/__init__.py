"""What registries say about images: names, logins, manifests and a few bytes of layers. Nothing is pulled.

No docker-py and no Textual in here. What comes out are the records of
:mod:`layerscope.core.pull`; what goes wrong is a
:class:`~layerscope.registry.errors.RegistryError`.
"""
