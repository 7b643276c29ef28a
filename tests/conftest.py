"""For all tests: documents are held to their schemas."""

from tests.documents import hold_all

hold_all()
