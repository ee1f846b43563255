"""A lab's own solution typed into an instructor's terminals, for a class to look on."""
