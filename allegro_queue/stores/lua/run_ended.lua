-- A run of an entry has ended: say how, in its account and in the entry's state.
--
-- KEYS  1 entries (hash: name to state)   2 the entry's accounts   3 open runs (hash: job to entry)
-- ARGV  1 name   2 job id   3 result   4 when it ended ('' if not known)   5 run time in seconds ('' if not known)
local call = redis.call
if call('HDEL', KEYS[3], ARGV[2]) == 0 then return 0 end
local function ended(item)
  item.result, item.ended_at, item.seconds = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
  return item
end
for place, text in ipairs(call('LRANGE', KEYS[2], 0, -1)) do
  local item = decoded(text)
  if item and item.job_id == ARGV[2] then
    call('LSET', KEYS[2], place - 1, cjson.encode(ended(item)))
    break
  end
end
local state = decoded(call('HGET', KEYS[1], ARGV[1]))
if state and type(state.last) == 'table' and state.last.job_id == ARGV[2] then
  ended(state.last)
  call('HSET', KEYS[1], ARGV[1], cjson.encode(state))
end
return 1
