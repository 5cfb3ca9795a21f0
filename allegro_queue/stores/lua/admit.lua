-- May a taken job run now? Asked and noted in one step, by the server's clock.
--
-- Two conditions, either of which may be absent: nobody else works under the job's overlap key, and fewer than so many
-- runs began under its rate key in the last period. The lock is only taken when the rate allows the run as well.
-- Runs are counted by the hundredth part of the period, so that a key is small whatever its limit; a part counts until
-- its last moment is a whole period ago, so that no period ever sees more than the limit.
-- Those that were put off stand in a line, so that each is given a time of its own to come back and not all the same.
--
-- KEYS  1 lock of the overlap key (text: its owner)   2 runs under the rate key (hash: part to count)
--       3 the line before the rate key (sorted set: job id by the time it was given, ms)
-- ARGV  1 owner: the execution's id   2 job id   3 seconds that the lock lives, 0: no overlap key
--       4 runs allowed, 0: no rate key   5 seconds of the period
-- Result { 'run' }, { 'overlap', owner }, or { 'rate', Unix ms when it may come back }
local call = redis.call
local owner, id, life = ARGV[1], ARGV[2], tonumber(ARGV[3])
local limit, period = tonumber(ARGV[4]), tonumber(ARGV[5]) * 1000
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

if life > 0 then
  local holder = call('GET', KEYS[1])
  if holder and holder ~= owner then return {'overlap', holder} end
end

if limit > 0 then
  local width = period / 100
  local part = math.floor(now / width)
  local used, parts = 0, {}
  local found = call('HGETALL', KEYS[2])
  for place = 1, #found, 2 do
    local number, count = tonumber(found[place]), tonumber(found[place + 1])
    if number <= part - 101 then
      call('HDEL', KEYS[2], found[place])
    else
      used = used + count
      parts[#parts + 1] = {number, count}
    end
  end
  call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - period)
  call('ZREM', KEYS[3], id)
  if used >= limit then
    local ahead = call('ZCARD', KEYS[3])
    table.sort(parts, function(left, right) return left[1] < right[1] end)
    local wanted, passed, place = used - limit + 1 + ahead % limit, 0, 0
    repeat
      place = place + 1
      passed = passed + parts[place][2]
    until passed >= wanted or place == #parts
    local free = (parts[place][1] + 1) * width + period + math.floor(ahead / limit) * period
    free = math.ceil(free)
    call('ZADD', KEYS[3], free, id)
    call('PEXPIREAT', KEYS[3], math.ceil(free + period + 1000))
    return {'rate', free}
  end
  call('HINCRBY', KEYS[2], string.format('%d', part), 1)
  call('PEXPIRE', KEYS[2], math.ceil(period * 1.02))
end

if life > 0 then call('SET', KEYS[1], owner, 'EX', life) end
return {'run'}
