"""Where model artefacts are stored: a folder, or an object store that fsspec knows."""
