"""Lists of jobs: what is asked, where it is found, and how it is shown, counted, kept and exported."""
