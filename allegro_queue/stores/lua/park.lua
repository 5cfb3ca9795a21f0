-- An entry that cannot be run: say why, and set when it is tried again.
--
-- KEYS  1 rq-scheduler's set   2 entries (hash: name to state)   3 the entry's accounts   4 fence
-- ARGV  1 entry's id   2 when it was due   3 next try   4 name   5 reason   6 now   7 fence   8 accounts kept
--       9 the reason as a telling (JSON)
-- Result 1 parked, 0 somebody else settled it, -1 another scheduler leads now
local call = redis.call
local fence = tonumber(ARGV[7])
if fence > 0 and tonumber(call('GET', KEYS[4]) or '0') > fence then return -1 end
local due = call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) ~= tonumber(ARGV[2]) then return 0 end
call('ZADD', KEYS[1], ARGV[3], ARGV[1])
local state = state_of(KEYS[2], ARGV[4])
state.error, state.error_said = ARGV[5], ARGV[9]
state.last = {what = 'refused', due_at = tonumber(ARGV[2]), at = tonumber(ARGV[6]), job_id = '', reason = ARGV[5], count = 1}
state.last.reason_said = ARGV[9]
account(KEYS[3], state.last, tonumber(ARGV[8]))
call('HSET', KEYS[2], ARGV[4], cjson.encode(state))
return 1
