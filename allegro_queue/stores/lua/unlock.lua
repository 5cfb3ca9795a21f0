-- Free a lock, if it is still the owner's: a late one must not free what another has taken since.
--
-- KEYS  1 the lock (text: its owner)
-- ARGV  1 owner
-- Result 1 freed, 0 not the owner's (any more)
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
