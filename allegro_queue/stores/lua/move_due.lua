-- Jobs whose own time has come go to their queues, as RQ's scheduler leaves them: status, time of queueing, a limit.
--
-- KEYS  1 sorted set by due time (a queue's registry of scheduled jobs, or rq-scheduler's set)   2 RQ's set of queues
--       3 the lock under which RQ's own scheduler works on that registry (rq-scheduler's set has none: the set
--         itself, since an ACL refuses an empty key)   4 fence
-- ARGV  1 now   2 most ids to look at   3 fence   4 the time in RQ's format   5 start of the keys of jobs
--       6 start of the keys of queues   7 queue for all ('' for each job's own)   8 queue for jobs that name none
--       9 limits (JSON: seconds by queue)   10 limit for a queue without one
--       11 start of the ids of entries   12... only these ids, if they are due, and whatever they ask for
-- Result the ids that were queued; what asks for more than a move: id, due, id, due, ...; whether another one leads now
--        Nothing is done then, and while RQ's own scheduler works on the registry.
local call = redis.call
local fence = tonumber(ARGV[3])
if fence > 0 and tonumber(call('GET', KEYS[4]) or '0') > fence then return {{}, {}, 1} end
if KEYS[3] ~= KEYS[1] and call('EXISTS', KEYS[3]) == 1 then return {{}, {}, 0} end
local limits = cjson.decode(ARGV[9])
local moved, others = {}, {}
local fields = {'data', 'status', 'ttl', 'timeout', 'origin', 'rate_limit_key', 'dependency_ids', 'meta',
  'enqueue_at_front', 'enqueue_at_front_on_retry', 'ended_at'}
local function asks_for_more(id, job)
  if #ARGV > 11 then return false end
  if job[6] and job[6] ~= '' then return true end
  if ARGV[7] ~= '' then return false end
  if not job[1] or job[7] and job[7] ~= '' or string.sub(id, 1, #ARGV[11]) == ARGV[11] then return true end
  return job[8] and (string.find(job[8], 'cron_string', 1, true) or string.find(job[8], 'interval', 1, true)
    or string.find(job[8], 'horizon_every', 1, true))
end
local found = {}
if #ARGV == 11 then
  found = call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
end
for place = 12, #ARGV do
  local due = call('ZSCORE', KEYS[1], ARGV[place])
  if due and tonumber(due) <= tonumber(ARGV[1]) then
    found[#found + 1] = ARGV[place]
    found[#found + 1] = due
  end
end
local gone, lines = {}, {}
for place = 1, #found, 2 do
  local id = found[place]
  local key = ARGV[5] .. id
  local job = redis.pcall('HMGET', key, unpack(fields))
  if job.err and ARGV[7] ~= '' then
    gone[#gone + 1] = id
  elseif job.err or asks_for_more(id, job) then
    others[#others + 1] = id
    others[#others + 1] = found[place + 1]
  else
    gone[#gone + 1] = id
    if job[1] and job[2] ~= 'canceled' then
      local queue = ARGV[7]
      if queue == '' then queue = job[5] and job[5] ~= '' and job[5] or ARGV[8] end
      if job[4] and job[4] ~= '' then
        call('HSET', key, 'status', 'queued', 'enqueued_at', ARGV[4], 'origin', queue)
      else
        call('HSET', key, 'status', 'queued', 'enqueued_at', ARGV[4], 'origin', queue,
          'timeout', limits[queue] or ARGV[10])
      end
      local life = tonumber(job[3] or '')
      if life and life > 0 then call('EXPIRE', key, life) end
      local front = job[9] == '1' or job[10] == '1' and job[11] and job[11] ~= ''
      if front then
        call('LPUSH', ARGV[6] .. queue, id)
      else
        local line = lines[queue] or {}
        lines[queue] = line
        line[#line + 1] = id
      end
      call('SADD', KEYS[2], ARGV[6] .. queue)
      moved[#moved + 1] = id
    end
  end
end
for queue, line in pairs(lines) do
  for start = 1, #line, 1000 do
    call('RPUSH', ARGV[6] .. queue, unpack(line, start, math.min(start + 999, #line)))
  end
end
for start = 1, #gone, 1000 do
  call('ZREM', KEYS[1], unpack(gone, start, math.min(start + 999, #gone)))
end
return {moved, others, 0}
