"""The version, apart from the face of the package: whoever asks for it loads nothing else."""

__version__ = "0.1.0"
