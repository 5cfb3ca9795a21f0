-- A batch has all of its jobs; one whose jobs have all ended by now ends.
--
-- KEYS  1 the batch   ARGV  1 our prefix   2 RQ's prefix   3 id   4 now
-- Result 1 done, 0 it is gone or was filled before
if redis.call('HDEL', KEYS[1], 'filling_until') == 0 then return 0 end
batch_look(ARGV[1], ARGV[3], tonumber(ARGV[4]), ARGV[2])
return 1
