-- Do one thing to each of some jobs, and note what came of it, all in one step.
--
-- A job of a run stands in the run's set until its turn. It leaves the set in the step that acts on it, so sending the
-- step again, or two processes that carry on the same run, act on no job twice.
--
-- KEYS  1 the run's set of jobs   2 the run's results (both unused without a run)   3 RQ's set of queues
--       4 the bin: deleted jobs by time   5 hash of what the bin keeps of each: where it stood
-- ARGV  1 what: retry, delete, cancel, move, restore   2 number of its run, or empty   3 Unix time   4 now in RQ's form
--       5 leave alone what ended or was queued after this (RQ's form; empty: nothing)   6 the queue to move to
--       7 seconds that the bin keeps, and that a cancelled job stays   8 jobs that the bin keeps at most
--       starts of keys: 9 jobs   10 results   11 queues   12 locks   13 failed   14 finished   15 scheduled
--       16 deferred   17 cancelled   18 jobs in the bin   19 results in the bin   20 progress   21 logs
--       22 seconds that results of the run live   23 our prefix   24 RQ's prefix   then the ids
-- Result for each id: done, gone, running, later, is:<status>, barred:<id of who holds the lock>, taken (another step
--        of the run has acted on it)
local call = redis.call
local what, has_run, now, now_text, until_text, to = ARGV[1], ARGV[2] ~= '', ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local life, most = tonumber(ARGV[7]), tonumber(ARGV[8])
local jobs, results, queues, locks = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
-- RQ files a stopped job among the failed.
local registries = {failed = ARGV[13], stopped = ARGV[13], finished = ARGV[14], scheduled = ARGV[15], deferred = ARGV[16]}
local cancelled, bin_jobs, bin_results, notes = ARGV[17], ARGV[18], ARGV[19], {ARGV[20], ARGV[21]}
local kept, own, rq = ARGV[22], ARGV[23], ARGV[24]

local MAY = {
  retry = {failed = true, stopped = true},
  delete = {queued = true, scheduled = true, deferred = true, finished = true, failed = true, stopped = true},
  cancel = {queued = true, scheduled = true, deferred = true},
  move = {queued = true},
}

-- Take a job out of the list that its status names: its place (a score; 0 for a queue), or false when it is not there.
local function take(id, status, queue)
  if status == 'queued' then return call('LREM', queues .. queue, 1, id) == 1 and '0' end
  local key = registries[status] .. queue
  local score = call('ZSCORE', key, id)
  return score and call('ZREM', key, id) == 1 and score
end

local function throw_away(id)
  call('DEL', bin_jobs .. id, bin_results .. id)
  call('HDEL', KEYS[5], id)
  call('ZREM', KEYS[4], id)
end

-- What a job said goes when the bin lets go of it. Result: the milliseconds that it would have stayed.
local function shorten_notes(id)
  local longest = 0
  for _, start in ipairs(notes) do
    local rest = call('PTTL', start .. id)
    if rest > life * 1000 then call('EXPIRE', start .. id, life) end
    longest = math.max(longest, rest)
  end
  return longest
end

-- ``turn`` keeps the order in which jobs of one step came into the bin.
local function into_bin(id, status, queue, place, turn)
  throw_away(id)
  local rest = call('PTTL', jobs .. id)
  call('RENAME', jobs .. id, bin_jobs .. id)
  call('EXPIRE', bin_jobs .. id, life)
  if call('EXISTS', results .. id) == 1 then
    call('RENAME', results .. id, bin_results .. id)
    call('EXPIRE', bin_results .. id, life)
  end
  call('ZADD', KEYS[4], tonumber(now) + turn * 1e-6, id)
  call('HSET', KEYS[5], id, cjson.encode({status = status, queue = queue, place = place, rest = rest, said = shorten_notes(id), run = tonumber(ARGV[2])}))
end

local function restore(id)
  local told = call('HGET', KEYS[5], id)
  if not told or call('EXISTS', bin_jobs .. id) == 0 then
    throw_away(id)
    return 'gone'
  end
  if call('EXISTS', jobs .. id) == 1 then return 'is:there' end
  local was = cjson.decode(told)
  call('RENAME', bin_jobs .. id, jobs .. id)
  -- What ended stays at least as long as the bin would have kept it.
  local rest = was.rest > 0 and math.max(was.rest, life * 1000) or -1
  if rest > 0 then call('PEXPIRE', jobs .. id, rest) else call('PERSIST', jobs .. id) end
  if call('EXISTS', bin_results .. id) == 1 then
    call('RENAME', bin_results .. id, results .. id)
    if rest > 0 then call('PEXPIRE', results .. id, rest) else call('EXPIRE', results .. id, life) end
  end
  if (was.said or 0) > 0 then
    for _, start in ipairs(notes) do call('PEXPIRE', start .. id, was.said) end
  end
  if was.status == 'queued' then
    call('SADD', KEYS[3], queues .. was.queue)
    call('RPUSH', queues .. was.queue, id)
  elseif was.status == 'failed' or was.status == 'stopped' or was.status == 'finished' then
    call('ZADD', registries[was.status] .. was.queue, math.max(tonumber(was.place), tonumber(now) + life), id)
  else
    call('ZADD', registries[was.status] .. was.queue, was.place, id)
  end
  throw_away(id)
  if not (was.status == 'finished' or was.status == 'failed' or was.status == 'stopped') then
    local batch = batch_of(jobs .. id)
    if batch ~= '' then batch_restore(own, batch, id) end
  end
  return 'done'
end

local function act(id, turn)
  if what == 'restore' then return restore(id) end
  local job = jobs .. id
  local found = call('HMGET', job, 'status', 'origin', 'ended_at', 'enqueued_at', 'created_at')
  local status, queue = found[1], found[2]
  if not status or not queue then return 'gone' end
  if status == 'started' then return 'running' end
  if not MAY[what][status] then return 'is:' .. status end
  if until_text ~= '' then
    local has_ended = status == 'failed' or status == 'stopped' or status == 'finished'
    local since = has_ended and found[3] or status == 'queued' and found[4]
    if not since or since == '' then since = found[5] or '' end
    if since > until_text then return 'later' end
  end
  if what == 'retry' then
    local reply = retry_one(id, registries.failed .. queue, job, queues .. queue, KEYS[3], now_text, jobs, locks, own)
    return reply == '1' and 'done' or reply == '0' and 'gone' or 'barred:' .. reply
  end
  local place = take(id, status, queue)
  -- A worker of RQ's own takes a job before it says so.
  if not place then return status == 'queued' and 'running' or 'gone' end
  -- What never ran and never will counts for its batch.
  if what ~= 'move' and not (status == 'finished' or status == 'failed' or status == 'stopped') then
    local batch = batch_of(job)
    if batch ~= '' then batch_end(own, batch, id, 'dropped', math.floor(tonumber(now)), rq) end
  end
  if what == 'delete' then
    into_bin(id, status, queue, place, turn)
  elseif what == 'move' then
    call('HSET', job, 'origin', to, 'enqueued_at', now_text)
    call('SADD', KEYS[3], queues .. to)
    call('RPUSH', queues .. to, id)
  else
    call('HSET', job, 'status', 'canceled', 'ended_at', now_text)
    call('ZREMRANGEBYSCORE', cancelled .. queue, '-inf', '(' .. now)
    call('ZADD', cancelled .. queue, tonumber(now) + life, id)
    call('EXPIRE', job, life)
  end
  return 'done'
end

local replies = {}
for place = 25, #ARGV do
  local id = ARGV[place]
  if has_run and call('ZREM', KEYS[1], id) == 0 then
    replies[#replies + 1] = 'taken'
  else
    local reply = act(id, place - 25)
    replies[#replies + 1] = reply
    if has_run then call('RPUSH', KEYS[2], id .. ' ' .. reply) end
  end
end
if has_run then call('EXPIRE', KEYS[2], kept) end

-- The bin is bounded by number and by time.
if what == 'delete' then
  local old = call('ZRANGEBYSCORE', KEYS[4], '-inf', tonumber(now) - life, 'LIMIT', 0, 1000)
  for _, id in ipairs(old) do throw_away(id) end
  local over = call('ZCARD', KEYS[4]) - most
  if over > 0 then
    for _, id in ipairs(call('ZRANGE', KEYS[4], 0, over - 1)) do throw_away(id) end
  end
end
return replies
