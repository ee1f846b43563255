"""Starting and stopping one installation on this machine. Plain Python: nothing here imports Django."""
