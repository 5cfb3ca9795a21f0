-- Write new jobs that share all but their arguments, as RQ writes them, and put them on one queue (or have them wait
-- for their time), in one step.
--
-- Sending the same step again does no harm: a job whose hash is there was written by the same step sent before.
-- Everything that can be refused is asked before anything is written, so that nothing is ever half-written.
--
-- KEYS  1 the queue   2 set of queues   3 RQ's registry of scheduled jobs of the queue
--       and for each job: its hash, its lock (the queue again for a job without one)
-- ARGV  1 Unix time at which the jobs are due; empty: now   2 RQ's prefix   3 our prefix   4 the batch that they count
--       for; empty: none   5 F, how many values follow for the fields that all jobs share   then field, value, ... of these
--       and for each job: id, data, terms (empty: none), seconds that its lock lives (empty: it has none)
-- Result for each job that was not queued, since the lock that it asked for is taken: its place counted from 1, and the
--        id of the job that holds the lock. Empty when all are queued.
local call = redis.call
local queue, queues, scheduled = KEYS[1], KEYS[2], KEYS[3]
local due, prefix, shared = ARGV[1], ARGV[2], tonumber(ARGV[5])
local batch = ARGV[4] ~= '' and ARGV[3] .. 'batch:' .. ARGV[4]
local jobs = (#KEYS - 3) / 2

-- Statuses of a job that has ended: whoever ran it may not know of the lock.
local ENDED = {finished = true, failed = true, stopped = true, canceled = true}

local function holder(lock)
  local id = call('GET', lock)
  if not id then return false end
  -- What is no hash is no job.
  local status = redis.pcall('HGET', prefix .. ':job:' .. id, 'status')
  return type(status) == 'string' and not ENDED[status] and id
end

-- Refused here when one of them is of another type.
call('LLEN', queue)
call('SCARD', queues)
call('ZCARD', scheduled)
if batch and call('EXISTS', batch) == 1 then call('SCARD', batch .. ':open') else batch = false end

local refused, writes, held = {}, {}, {}
for place = 1, jobs do
  local a = 5 + shared + 4 * (place - 1)
  local job, lock, id = KEYS[2 + 2 * place], KEYS[3 + 2 * place], ARGV[a + 1]
  if call('EXISTS', job) == 0 then
    local owner = false
    if ARGV[a + 4] ~= '' then
      owner = held[lock] or holder(lock)
      held[lock] = owner or id
    end
    if owner and owner ~= id then
      refused[#refused + 1] = place
      refused[#refused + 1] = owner
    else
      writes[#writes + 1] = place
    end
  end
end
if #writes == 0 then return refused end

call('SADD', queues, queue)
local fields = {unpack(ARGV, 6, 5 + shared)}
local ids, counted = {}, {}
for number, place in ipairs(writes) do
  local a = 5 + shared + 4 * (place - 1)
  local job, id, seconds = KEYS[2 + 2 * place], ARGV[a + 1], ARGV[a + 4]
  fields[shared + 1], fields[shared + 2] = 'data', ARGV[a + 2]
  if ARGV[a + 3] ~= '' then
    fields[shared + 3], fields[shared + 4] = 'horizon', ARGV[a + 3]
  else
    fields[shared + 3], fields[shared + 4] = nil, nil
  end
  call('HSET', job, unpack(fields))
  if seconds ~= '' then call('SET', KEYS[3 + 2 * place], id, 'EX', seconds) end
  if due ~= '' then call('ZADD', scheduled, due, id) else ids[number] = id end
  counted[number] = id
end
if batch then batch_add(ARGV[3], ARGV[4], counted, tonumber(call('TIME')[1])) end
if due == '' then call('RPUSH', queue, unpack(ids)) end
return refused
