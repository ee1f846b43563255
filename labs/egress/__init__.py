"""The way out of a lab's machines: a proxy that lets pass what the lab lists and writes down all it is asked.

docs/egress.md tells the whole way.
"""
