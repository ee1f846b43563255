"""Sandboxes on a Docker engine: the only package that imports the Docker SDK."""
