"""What machines read: probes, and numbers in Prometheus' words."""
