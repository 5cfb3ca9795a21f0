"""One job: its page, and what can be done with it."""
