"""The queues, and each one's page."""
