-- Claim room for a master's workers under the limits that hold for all masters together.
--
-- KEYS  1 seats (hash: master to its claim)
-- ARGV  1 master   2 seconds that its claim lives   3 wanted   4 living   5 limits; these three are JSON of
--       {"total": number, "queues": {queue: number}}, where a limit of 0, or none, is no limit
-- Result JSON of the same form: how many of the wanted it may have. It may be fewer than live: those are too many.
-- What is claimed is the larger of the two, so that nobody gets the room of a worker that has not left yet.
local call = redis.call
local master, wanted, living, limits = ARGV[1], cjson.decode(ARGV[3]), cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
local now = tonumber(call('TIME')[1])
local others = {total = 0, queues = {}}
local claims = call('HGETALL', KEYS[1])
for place = 1, #claims, 2 do
  local claim = cjson.decode(claims[place + 1])
  if claim['until'] <= now then
    call('HDEL', KEYS[1], claims[place])
  elseif claims[place] ~= master then
    others.total = others.total + claim.total
    for queue, count in pairs(claim.queues) do others.queues[queue] = (others.queues[queue] or 0) + count end
  end
end

local function allowed(want, limit, taken)
  if not limit or limit == 0 then return want end
  return math.max(0, math.min(want, limit - taken))
end

local granted, claim = {queues = {}}, {queues = {}}
for queue, want in pairs(wanted.queues) do
  granted.queues[queue] = allowed(want, limits.queues[queue], others.queues[queue] or 0)
  claim.queues[queue] = math.max(granted.queues[queue], living.queues[queue] or 0)
end
granted.total = allowed(wanted.total, limits.total, others.total)
claim.total = math.max(granted.total, living.total)
claim['until'] = now + tonumber(ARGV[2])
call('HSET', KEYS[1], master, cjson.encode(claim))
return cjson.encode(granted)
