"""Inside the child: take a job, run it, file it, record it. The only code of the library that runs jobs."""
