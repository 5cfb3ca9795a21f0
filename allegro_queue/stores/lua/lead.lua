-- A scheduler says that it is alive, and leads if no other does.
--
-- KEYS  1 the leader's lease   2 fence (number of the last leader)   3 the leader's record
--       4 living schedulers (sorted set: who by time of the last beat)
-- ARGV  1 own token   2 life of the lease in milliseconds   3 own record (JSON, without what is noted here)
--       4 life of a record in seconds   5 who
-- Result whether it leads, its fence (0 if not), the server's time: seconds, microseconds
local call = redis.call
local time = call('TIME')
local now, life = tonumber(time[1]), tonumber(ARGV[4])
call('ZADD', KEYS[4], now, ARGV[5])
call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - life)
-- Those that beat before the clock was set back.
call('ZREMRANGEBYSCORE', KEYS[4], now + life, '+inf')
local holder = call('GET', KEYS[1])
-- A lease ends by the server's clock. One with longer to go than any is given is of before that clock was set back; its
-- holder renews it at its next beat, or is dead.
if holder and holder ~= ARGV[1] and call('PTTL', KEYS[1]) <= tonumber(ARGV[2]) then return {0, 0, time[1], time[2]} end
local at = now + tonumber(time[2]) / 1000000
local before = holder == ARGV[1] and call('GET', KEYS[3])
local fence = holder == ARGV[1] and tonumber(call('GET', KEYS[2]) or '')
fence = fence or call('INCR', KEYS[2])
call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local record = cjson.decode(ARGV[3])
record.fence = fence
record.beat_at = at
record.leads_since = before and cjson.decode(before).leads_since or at
call('SET', KEYS[3], cjson.encode(record), 'EX', life)
return {1, fence, time[1], time[2]}
