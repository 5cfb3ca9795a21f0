"""Acts on jobs and queues: what is chosen, the page that asks first, the run that does it, the bin."""
