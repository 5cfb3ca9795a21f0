"""Whether the machinery itself is well: checks over what the stores say, for the page, the command and the probes."""
