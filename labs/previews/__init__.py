"""Ports of nodes, shown to their learner on an origin of their own; docs/previews.md tells the whole way."""

from labs.previews.gate import PreviewGate

__all__ = ["PreviewGate"]
