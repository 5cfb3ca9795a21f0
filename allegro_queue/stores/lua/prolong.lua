-- Let a lock live longer, if it is still the owner's.
--
-- KEYS  1 the lock (text: its owner)
-- ARGV  1 owner   2 seconds that it lives from now on
-- Result 1 prolonged, 0 not the owner's (any more)
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 0
