"""The processes of Tidegate that talk to clients and to the system; `__version__` is read by the build, so no imports here."""

__version__ = "0.1.0"
