"""The self-test: a sandbox as learners get it, attacked from inside and from a neighbour, probe by probe."""
