"""One act on many jobs: which ones, the run that does it in the background, what became of each."""
