"""What learners feel of the labs, measured. Each module is one noun with ``measure(world)``, a generator of figures."""
