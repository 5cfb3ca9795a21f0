-- Finish the job that has returned (if any), and take the next one in strict order (if wanted), in one step.
--
-- At each instant a job is in a queue, or registered with the worker that holds it, or in a final registry.
-- Sending the same step again does no harm: a finished job no longer has the claim that finishing asks for, and a
-- worker that holds a job is handed that one, whatever execution id it brings.
--
-- KEYS  1 reservations (hash: worker to claim)   2 pauses (hash)   3 RQ's suspension   4 the worker's hash
--       5 the worker's executions (set)          then the queues, highest priority first, Q of them
--       and, to finish a job: its hash, dependents, dependencies, results, executions, execution; RQ's started and
--       finished registry of its queue; our tally of the queue, of the job name, the names of queues, of job names,
--       the minute (hashes and sets of stores/metrics.py); our run records (stream)
-- ARGV  1 RQ's prefix   2 worker   3 id for the new execution, empty: take nothing   4 the worker's state in Redis
--       5 lease in seconds of a job without a time limit   6 Q, then the queues' names
--       and, to finish a job: claim, job id, execution id, time of its end (RQ's form), result_ttl (above 0, or -1),
--       '1' if it has dependencies, seconds worked, milliseconds worked, milliseconds waited, queue, job name,
--       seconds that a minute lives, the run record or empty text, records kept, then field, value, ... of the
--       result's entry
-- Result { finished }, or { finished, place, claim, job id, execution id, origin, seconds, microseconds, job's hash }
--       finished: 1 done, 0 nothing to finish or no longer this worker's, 2 RQ's own methods must finish it (then
--       nothing was taken); place: which queue, counted from 1; seconds and microseconds: when it started
local call = redis.call
local reservations, worker_hash, executions_of_worker = KEYS[1], KEYS[4], KEYS[5]
local prefix, worker, new_execution, state = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local queues = tonumber(ARGV[6])
local k, a = 5 + queues, 6 + queues
local finishing = #KEYS > k
local time = call('TIME')
local now, microseconds = tonumber(time[1]), tonumber(time[2])
local at = moment(now, microseconds)
local held = call('HGET', reservations, worker)
local finished, ended, stopped = 0, false, 0

local function count(tally, names, name)
  call('HINCRBY', tally, 'done', 1)
  -- A tally begins with its first run, and its name is noted then.
  if call('HINCRBY', tally, 'runs', 1) == 1 then call('SADD', names, name) end
  call('HINCRBYFLOAT', tally, 'wait_ms', ARGV[a + 9])
  call('HINCRBYFLOAT', tally, 'runtime_ms', ARGV[a + 8])
end

if finishing and held == ARGV[a + 1] then
  local job, dependents, results = KEYS[k + 1], KEYS[k + 2], KEYS[k + 4]
  local id, execution, ttl = ARGV[a + 2], ARGV[a + 3], ARGV[a + 5]
  -- One look at all that is usually absent.
  stopped = call('EXISTS', dependents, KEYS[2], KEYS[3])
  if stopped > 0 and call('EXISTS', dependents) == 1 then return {2} end
  if call('HSET', job, 'status', 'finished', 'ended_at', ARGV[a + 4], 'last_heartbeat', at) > 1 then
    -- The job deleted itself while it ran: RQ writes the whole hash anew.
    call('DEL', job)
    return {2}
  end
  call('XADD', results, 'MAXLEN', '~', '10', '*', unpack(ARGV, a + 15))
  if ttl == '-1' then
    call('PERSIST', results)
    call('ZADD', KEYS[k + 8], '+inf', id)
  else
    call('EXPIRE', job, ttl)
    call('EXPIRE', results, ttl)
    if ARGV[a + 6] == '1' then call('EXPIRE', KEYS[k + 3], ttl) end
    call('ZADD', KEYS[k + 8], now + ttl, id)
  end
  ended = id .. ':' .. execution
  call('ZREM', KEYS[k + 5], execution)
  call('DEL', KEYS[k + 6])
  call('ZREM', KEYS[k + 7], ended)
  call('HINCRBY', worker_hash, 'successful_job_count', 1)
  call('HINCRBYFLOAT', worker_hash, 'total_working_time', ARGV[a + 7])
  count(KEYS[k + 9], KEYS[k + 11], ARGV[a + 10])
  count(KEYS[k + 10], KEYS[k + 12], ARGV[a + 11])
  if call('HINCRBY', KEYS[k + 13], 'done:' .. ARGV[a + 10], 1) == 1 then
    call('EXPIRE', KEYS[k + 13], ARGV[a + 12])
  end
  if ARGV[a + 13] ~= '' then call('XADD', KEYS[k + 14], 'MAXLEN', '~', ARGV[a + 14], '*', 'run', ARGV[a + 13]) end
  finished, held = 1, false
else
  stopped = call('EXISTS', KEYS[2], KEYS[3])
end

-- The worker holds nothing when the step is over.
local function rest()
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
    if #hash > 0 and ARGV[6 + place] == claim.queue then
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

for place = 1, queues do
  local queue, name = KEYS[5 + place], ARGV[6 + place]
  local id = not (stopped > 0 and is_paused(name)) and call('LINDEX', queue, 0)
  while id do
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
    if has_data then
      -- An origin that no queue can have: the job is registered where it was found.
      if origin == '' or string.find(origin, '[^%w%p ]') then origin = name end
      local lease = timeout > 0 and math.floor(timeout) + 60 or tonumber(ARGV[5])
      local mark = string.format('%d.%06d', now, microseconds)
      local composite = id .. ':' .. new_execution
      local execution, executions = prefix .. ':execution:' .. composite, prefix .. ':executions:' .. id
      local claim = cjson.encode({
        job = id, queue = name, origin = origin, execution = new_execution, at = mark,
      })
      call('HSET', reservations, worker, claim)
      call('HSET', execution, 'id', new_execution, 'job_id', id, 'created_at', mark, 'last_heartbeat', mark,
        'worker_name', worker)
      call('EXPIRE', execution, lease)
      call('ZADD', executions, now + lease + 60, new_execution)
      call('EXPIRE', executions, lease + 60)
      call('ZADD', prefix .. ':wip:' .. origin, now + lease, composite)
      call('SADD', executions_of_worker, composite)
      -- The set of a busy worker stays, and its life with it, which each renewal of a lease prolongs.
      if ended then
        call('SREM', executions_of_worker, ended)
      else
        call('EXPIRE', executions_of_worker, lease + 60)
      end
      if state ~= 'busy' then call('HSET', worker_hash, 'state', 'busy', 'last_heartbeat', at) end
      call('HSET', job, 'last_heartbeat', at, 'status', 'started', 'started_at', at, 'worker_name', worker)
      call('PERSIST', job)
      -- Last, so that an error above leaves the job where it was.
      call('LPOP', queue)
      return {finished, place, claim, id, new_execution, origin, now, microseconds, hash}
    end
    call('LPOP', queue)
    id = call('LINDEX', queue, 0)
  end
end
return rest()
