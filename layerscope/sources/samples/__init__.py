"""The bundled sample host: a real scan of a real engine."""
