-- Keep what a running job has said since the last time: how far it is, and lines of its log.
--
-- KEYS  1 its progress (hash)   2 its log (list)   3 jobs that said something (sorted set)
-- ARGV  1 job id   2 now   3 most lines   4 most bytes of them   5 seconds that they live   6 most jobs
--       7 start of the keys of progress   8 start of the keys of logs   9 lines that were left out before they came here
--       10 P, how many values of its progress follow   then field, value, ...   then the lines
local call = redis.call
local last = 10 + tonumber(ARGV[10])
if last > 10 then call('HSET', KEYS[1], unpack(ARGV, 11, last)) end
local bytes, out = 0, tonumber(ARGV[9])
for place = last + 1, #ARGV do
  call('RPUSH', KEYS[2], ARGV[place])
  bytes = bytes + #ARGV[place]
end
if bytes > 0 then
  bytes = call('HINCRBY', KEYS[1], 'log_bytes', bytes)
  while bytes > tonumber(ARGV[4]) or call('LLEN', KEYS[2]) > tonumber(ARGV[3]) do
    local dropped = call('LPOP', KEYS[2])
    if not dropped then break end
    bytes = call('HINCRBY', KEYS[1], 'log_bytes', -#dropped)
    out = out + 1
  end
end
if out > 0 then call('HINCRBY', KEYS[1], 'left_out', out) end
call('EXPIRE', KEYS[1], ARGV[5])
call('EXPIRE', KEYS[2], ARGV[5])
call('ZADD', KEYS[3], ARGV[2], ARGV[1])
local over = call('ZCARD', KEYS[3]) - tonumber(ARGV[6])
if over > 0 then
  for _, id in ipairs(call('ZRANGE', KEYS[3], 0, over - 1)) do
    call('DEL', ARGV[7] .. id, ARGV[8] .. id)
    call('ZREM', KEYS[3], id)
  end
end
return 1
