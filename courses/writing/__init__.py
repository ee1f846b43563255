"""What people fill in who keep question banks."""
