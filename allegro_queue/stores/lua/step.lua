-- Finish the job that has returned (if any), and take the next one in strict order (if wanted), in one step.
--
-- At each instant a job is in a queue, or registered with the worker that holds it, or in a final registry.
-- Sending the same step again does no harm: a finished job no longer has the claim that finishing asks for, and a
-- worker that holds a job is handed that one, whatever execution id it brings.
--
-- KEYS  1 reservations (hash: worker to claim)   2 pauses (hash)   3 RQ's suspension   4 the worker's hash
--       5 the worker's executions (set)   6 our run records (stream)   then the queues, highest priority first, Q of them
--       The keys of single jobs are made here, from RQ's prefix and the job's id and queue.
-- ARGV  1 RQ's prefix   2 worker   3 lease in seconds of a job without a time limit   4 Q   5 run records kept
--       6 id for the new execution, empty: take nothing   7 the worker's state in Redis   8, 9 jobs and seconds worked
--       that the worker's hash does not have yet, with the job to be finished   10 '1' to write them although the
--       worker goes on
--       and, to finish a job: 11 claim   12 job id   13 execution id   14 its queue   15 time of its end (RQ's form)
--       16 the number of that time's minute (Unix time / 60)   17 result_ttl (above 0, or -1)
--       18 '1' if it has dependencies   19 the run record, or empty text   20, 21 its start and end in Unix seconds
--       22 its result as RQ keeps it, or empty text for none
-- Result { finished }, or { finished, place, claim, job id, execution id, origin, seconds, microseconds, job's hash }
--       finished: 1 done, 0 nothing to finish or no longer this worker's, 2 RQ's own methods must finish it (then
--       nothing was taken); place: which queue, counted from 1; seconds and microseconds: when it started
local call = redis.call
local reservations, worker_hash, executions_of_worker = KEYS[1], KEYS[4], KEYS[5]
local prefix, worker, new_execution, state = ARGV[1], ARGV[2], ARGV[6], ARGV[7]
local queues = tonumber(ARGV[4])
local finishing = ARGV[11]
local time = call('TIME')
local now, microseconds = tonumber(time[1]), tonumber(time[2])
local second = string.format('%02d.%06d', now % 60, microseconds)
local at
if finishing and math.floor(now / 60) == tonumber(ARGV[16]) then
  -- The calendar was counted already.
  at = string.sub(ARGV[15], 1, 17) .. second .. 'Z'
else
  at = moment(now, microseconds)
end
local held = call('HGET', reservations, worker)
local finished, ended, stopped = 0, false, 0

-- The worker's own counts need not be written at each job: who looks at them sees the last second's.
local function count_for_worker()
  if ARGV[8] == '0' or (finishing and finished == 0) then return end
  call('HINCRBY', worker_hash, 'successful_job_count', ARGV[8])
  call('HINCRBYFLOAT', worker_hash, 'total_working_time', ARGV[9])
end

if finishing and held == finishing then
  local id, execution, origin, ttl = ARGV[12], ARGV[13], ARGV[14], ARGV[17]
  local job, results = prefix .. ':job:' .. id, prefix .. ':results:' .. id
  local dependents = job .. ':dependents'
  -- One look at all that is usually absent.
  stopped = call('EXISTS', dependents, KEYS[2], KEYS[3])
  if stopped > 0 and call('EXISTS', dependents) == 1 then return {2} end
  if call('HSET', job, 'status', 'finished', 'ended_at', ARGV[15], 'last_heartbeat', at) > 1 then
    -- The job deleted itself while it ran: RQ writes the whole hash anew.
    call('DEL', job)
    return {2}
  end
  if ARGV[22] == '' then
    call('XADD', results, 'MAXLEN', '~', '10', '*', 'type', '1', 'worker_name', worker, 'execution_id', execution,
      'execution_started_at', ARGV[20], 'execution_ended_at', ARGV[21])
  else
    call('XADD', results, 'MAXLEN', '~', '10', '*', 'type', '1', 'worker_name', worker, 'return_value', ARGV[22],
      'execution_id', execution, 'execution_started_at', ARGV[20], 'execution_ended_at', ARGV[21])
  end
  if ttl == '-1' then
    call('PERSIST', results)
    call('ZADD', prefix .. ':finished:' .. origin, '+inf', id)
  else
    call('EXPIRE', job, ttl)
    call('EXPIRE', results, ttl)
    if ARGV[18] == '1' then call('EXPIRE', prefix .. ':job::' .. id .. ':dependencies', ttl) end
    call('ZADD', prefix .. ':finished:' .. origin, now + ttl, id)
  end
  ended = id .. ':' .. execution
  call('ZREM', prefix .. ':executions:' .. id, execution)
  call('DEL', prefix .. ':execution:' .. ended)
  call('ZREM', prefix .. ':wip:' .. origin, ended)
  if ARGV[19] ~= '' then call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[5], '*', 'run', ARGV[19]) end
  finished, held = 1, false
else
  stopped = call('EXISTS', KEYS[2], KEYS[3])
end

-- The worker holds nothing when the step is over.
local function rest()
  count_for_worker()
  if ended then
    call('SREM', executions_of_worker, ended)
    call('HDEL', reservations, worker)
  end
  if state ~= 'idle' then
    call('HSET', worker_hash, 'state', 'idle', 'last_heartbeat', at)
  end
  return {finished}
end

if new_execution == '' then return rest() end

if held then
  local claim = cjson.decode(held)
  local hash = call('HGETALL', prefix .. ':job:' .. claim.job)
  for place = 1, queues do
    if #hash > 0 and KEYS[6 + place] == prefix .. ':queue:' .. claim.queue then
      local seconds, rest_of_second = string.match(claim.at, '(%d+)%.(%d+)')
      return {finished, place, held, claim.job, claim.execution, claim.origin, tonumber(seconds),
        tonumber(rest_of_second), hash}
    end
  end
  -- It was deleted meanwhile.
  ended = claim.job .. ':' .. claim.execution
  call('DEL', prefix .. ':execution:' .. ended)
  call('ZREM', prefix .. ':wip:' .. claim.origin, ended)
end

if stopped > 0 and call('EXISTS', KEYS[3]) == 1 then return rest() end

local function is_paused(name)
  local text = call('HGET', KEYS[2], name)
  if not text then return false end
  local till = cjson.decode(text)['until']
  if type(till) ~= 'number' or till > now then return true end
  call('HDEL', KEYS[2], name)
  return false
end
if stopped > 0 and is_paused('*') then return rest() end

-- Register a job that was taken out of a queue; nothing, when it is gone.
local function start(place, id)
  local name = string.sub(KEYS[6 + place], #prefix + 8)
  local job = prefix .. ':job:' .. id
  local hash = redis.pcall('HGETALL', job)
  local has_data, origin, timeout = false, name, 0
  for place_of_field = 1, #hash, 2 do
    local field = hash[place_of_field]
    if field == 'data' then has_data = true
    elseif field == 'origin' then origin = hash[place_of_field + 1]
    elseif field == 'timeout' then timeout = tonumber(hash[place_of_field + 1]) or 0 end
  end
  -- An id whose job is gone (deleted, expired) is nothing to run.
  if not has_data then return end
  -- An origin that no queue can have: the job is registered where it was found.
  if origin ~= name and (origin == '' or string.find(origin, '[^%w%p ]')) then origin = name end
  -- Redis keeps no key for longer than it can count: an error here would leave the job in everybody's way.
  local lease = timeout > 0 and math.floor(math.min(timeout, 315360000)) + 60 or tonumber(ARGV[3])
  local mark = time[1] .. string.sub(second, 3)
  local composite = id .. ':' .. new_execution
  local execution, executions_of_job = prefix .. ':execution:' .. composite, prefix .. ':executions:' .. id
  local claim
  if string.find(origin == name and id .. name or id .. name .. origin, '["\\%c]') then
    claim = cjson.encode({ job = id, queue = name, origin = origin, execution = new_execution, at = mark })
  else
    claim = '{"job":"' .. id .. '","queue":"' .. name .. '","origin":"' .. origin .. '","execution":"'
      .. new_execution .. '","at":"' .. mark .. '"}'
  end
  call('HSET', reservations, worker, claim)
  call('HSET', execution, 'id', new_execution, 'job_id', id, 'created_at', mark, 'last_heartbeat', mark,
    'worker_name', worker)
  call('EXPIRE', execution, lease)
  call('ZADD', executions_of_job, now + lease + 60, new_execution)
  call('EXPIRE', executions_of_job, lease + 60)
  call('ZADD', prefix .. ':wip:' .. origin, now + lease, composite)
  call('SADD', executions_of_worker, composite)
  -- The set of a busy worker stays, and its life with it, which each renewal of a lease prolongs.
  if ended then
    call('SREM', executions_of_worker, ended)
  else
    call('EXPIRE', executions_of_worker, lease + 60)
  end
  if ARGV[10] == '1' then count_for_worker() end
  if state ~= 'busy' then call('HSET', worker_hash, 'state', 'busy', 'last_heartbeat', at) end
  call('HSET', job, 'last_heartbeat', at, 'status', 'started', 'started_at', at, 'worker_name', worker)
  call('PERSIST', job)
  return {finished, place, claim, id, new_execution, origin, now, microseconds, hash}
end

for place = 1, queues do
  local queue = KEYS[6 + place]
  local id = not (stopped > 0 and is_paused(string.sub(queue, #prefix + 8))) and call('LPOP', queue)
  while id do
    local went, answer = pcall(start, place, id)
    if not went then
      -- An error leaves the job where it was, in nobody's name.
      call('HDEL', reservations, worker)
      call('LPUSH', queue, id)
      error(answer)
    end
    if answer then return answer end
    id = call('LPOP', queue)
  end
end
return rest()
