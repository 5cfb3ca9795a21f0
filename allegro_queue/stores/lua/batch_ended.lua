-- A job has ended for good: it counts for its batch, which may end by that.
--
-- ARGV  1 our prefix   2 RQ's prefix   3 the batch, empty: the one that the job's hash names   4 job id
--       5 'succeeded', 'failed', 'skipped' or 'dropped'
-- Result 1 counted, 0 counted before, or of no batch
local id = ARGV[3]
if id == '' then id = batch_of(ARGV[2] .. ':job:' .. ARGV[4]) end
if id == '' then return 0 end
return batch_end(ARGV[1], id, ARGV[4], ARGV[5], tonumber(redis.call('TIME')[1]), ARGV[2]) and 1 or 0
