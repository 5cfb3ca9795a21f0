-- A scheduler leaves: the next one need not wait for the end of its lease.
--
-- KEYS  1 the leader's lease   2 the leader's record   3 living schedulers (sorted set)
-- ARGV  1 own token   2 who
redis.call('ZREM', KEYS[3], ARGV[2])
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
return 1
