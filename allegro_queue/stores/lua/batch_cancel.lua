-- Cancel a batch: what waits is not run any more.
--
-- KEYS  1 the batch   ARGV  1 our prefix   2 id   3 now   4 by whom
-- Result 1 cancelled, 0 cancelled before, -1 ended, -2 there is none
if redis.call('EXISTS', KEYS[1]) == 0 then return -2 end
if redis.call('HEXISTS', KEYS[1], 'finished_at') == 1 then return -1 end
local who = redis.call('HGET', KEYS[1], 'cancelled_by')
if who == 'failure' then redis.call('HDEL', KEYS[1], 'cancelled_at') end
return batch_cancel(ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]) and 1 or 0
