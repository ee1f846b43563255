"""The files of a node, as its learner may see and change them; every verb is one talk with a program inside the node."""
