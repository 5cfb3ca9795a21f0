-- Move one failed job back to the end of its queue. A unique one takes its lock again, or stays failed. One of a batch
-- counts as open there again.
--
-- KEYS  1 RQ's failed registry of the queue (or that of cancelled jobs)   2 the job's hash   3 the queue   4 RQ's set of
--       queues
-- ARGV  1 job id   2 time of queueing (RQ's form)   3 start of the keys of jobs   4 start of the keys of locks
--       5 our prefix
-- Result '1' queued, '0' not failed (any more), else the id of the job that holds the lock
return retry_one(ARGV[1], KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
