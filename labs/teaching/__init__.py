"""Learning with help: hints for points, raised hands, messages, leave to type, classes and their wall."""
