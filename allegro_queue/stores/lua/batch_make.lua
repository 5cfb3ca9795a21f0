-- Make a batch that is about to be filled. Sending the same step again does no harm.
--
-- KEYS  1 the batch   2 all batches   3 open batches
-- ARGV  1 id   2 now   3 seconds that it may be filled   4 F, how many values follow   then field, value, ... of it
--       then for each job that is to follow: which ('then', 'catch', 'finally'), the number of its values, and these
-- Result 1 made, 0 was there
local call = redis.call
if call('EXISTS', KEYS[1]) == 1 then return 0 end
local last = 4 + tonumber(ARGV[4])
call('HSET', KEYS[1], 'created_at', ARGV[2], 'filling_until', ARGV[2] + ARGV[3], unpack(ARGV, 5, last))
local place = last + 1
while place <= #ARGV do
  local values = tonumber(ARGV[place + 1])
  call('HSET', KEYS[1] .. ':' .. ARGV[place], unpack(ARGV, place + 2, place + 1 + values))
  place = place + 2 + values
end
call('ZADD', KEYS[2], ARGV[2], ARGV[1])
call('SADD', KEYS[3], ARGV[1])
return 1
