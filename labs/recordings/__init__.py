"""What terminals have said, kept for a while: written beside the terminals, played by learners and those who teach."""
