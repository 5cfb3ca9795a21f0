-- Note that somebody had an entry run beside its schedule.
--
-- KEYS  1 entries (hash: name to state)   2 the entry's accounts   3 open runs (hash: job to entry)
-- ARGV  1 name   2 job id   3 now   4 who   5 accounts kept
local state = state_of(KEYS[1], ARGV[1])
local now = tonumber(ARGV[3])
state.hand, state.error = ARGV[2], ''
state.last = {what = 'by hand', due_at = now, at = now, job_id = ARGV[2], reason = '', count = 1, by = ARGV[4]}
account(KEYS[2], state.last, tonumber(ARGV[5]))
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(state))
redis.call('HSET', KEYS[3], ARGV[2], ARGV[1])
return 1
