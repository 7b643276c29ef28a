"""The engine side: all docker-py is here."""
