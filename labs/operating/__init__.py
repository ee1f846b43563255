"""What operators see and do: troubles first, then the numbers, then each sandbox; and the same for Prometheus."""
