-- Functions for the scripts beside this file, put in front of them when they are loaded (after moment.lua): what becomes
-- of a batch when jobs come, end, come again or go. Each job counts once: it is in one of the batch's sets, or in a count.
-- own is our prefix, rq is RQ's, now is Unix time in whole seconds.

-- The keys that a batch is made of.
local function batch_keys(key)
  return {key, key .. ':open', key .. ':failed', key .. ':skipped', key .. ':then', key .. ':catch', key .. ':finally'}
end

-- The batch that a job's hash names; empty text for none.
local function batch_of(job)
  local text = redis.pcall('HGET', job, 'horizon')
  if type(text) ~= 'string' or not string.find(text, '"batch"', 1, true) then return '' end
  local fine, terms = pcall(cjson.decode, text)
  local id = fine and type(terms) == 'table' and terms.batch
  return type(id) == 'string' and id or ''
end

-- It goes on, although it may have ended before.
local function batch_reopen(own, id)
  local key = own .. 'batch:' .. id
  redis.call('HDEL', key, 'finished_at')
  redis.call('SADD', own .. 'open_batches', id)
  for _, each in ipairs(batch_keys(key)) do redis.call('PERSIST', each) end
end

-- New jobs count for it. While it is being filled it cannot end, for a minute past the last of them.
local function batch_add(own, id, jobs, now)
  local key = own .. 'batch:' .. id
  redis.call('SADD', key .. ':open', unpack(jobs))
  redis.call('HINCRBY', key, 'total', #jobs)
  if redis.call('HEXISTS', key, 'filling_until') == 1 then redis.call('HSET', key, 'filling_until', now + 60) end
  batch_reopen(own, id)
end

-- Queue what is to follow, once.
local function batch_fire(own, id, which, now, rq)
  local key = own .. 'batch:' .. id
  local job_id = redis.call('HGET', key, which)
  local from = key .. ':' .. which
  if not job_id or redis.call('HSETNX', key, which .. '_at', now) == 0 or redis.call('EXISTS', from) == 0 then return end
  local job = rq .. ':job:' .. job_id
  local queue = rq .. ':queue:' .. redis.call('HGET', from, 'origin')
  redis.call('RENAME', from, job)
  redis.call('PERSIST', job)
  redis.call('HSET', job, 'status', 'queued', 'enqueued_at', moment(now, 0))
  redis.call('SADD', rq .. ':queues', queue)
  redis.call('RPUSH', queue, job_id)
end

-- End it when all of its jobs have ended and none is still to come.
local function batch_look(own, id, now, rq)
  local key = own .. 'batch:' .. id
  if redis.call('SCARD', key .. ':open') > 0 or redis.call('HEXISTS', key, 'filling_until') == 1 then return end
  redis.call('HSETNX', key, 'finished_at', now)
  redis.call('SREM', own .. 'open_batches', id)
  local said = redis.call('HMGET', key, 'dropped', 'cancelled_at', 'life')
  local missed = redis.call('ZCARD', key .. ':failed') + redis.call('ZCARD', key .. ':skipped')
  if missed == 0 and (said[1] or '0') == '0' and not said[2] then batch_fire(own, id, 'then', now, rq) end
  batch_fire(own, id, 'finally', now, rq)
  for _, each in ipairs(batch_keys(key)) do redis.call('EXPIRE', each, said[3] or 604800) end
end

-- No job of it that still waits is to run.
local function batch_cancel(own, id, now, why)
  local key = own .. 'batch:' .. id
  if redis.call('HSETNX', key, 'cancelled_at', now) == 0 then return false end
  redis.call('HSET', key, 'cancelled_by', why)
  return true
end

-- A job has ended: 'succeeded', 'failed', 'skipped' or 'dropped'.
local function batch_end(own, id, job_id, how, now, rq)
  local key = own .. 'batch:' .. id
  if redis.call('EXISTS', key) == 0 then return false end
  local was = redis.call('SREM', key .. ':open', job_id) + redis.call('ZREM', key .. ':failed', job_id)
    + redis.call('ZREM', key .. ':skipped', job_id)
  if was == 0 then return false end
  if how == 'failed' then
    redis.call('ZADD', key .. ':failed', now, job_id)
    if redis.call('HGET', key, 'allow_failures') ~= '1' then batch_cancel(own, id, now, 'failure') end
    batch_fire(own, id, 'catch', now, rq)
  elseif how == 'skipped' then
    redis.call('ZADD', key .. ':skipped', now, job_id)
  else
    redis.call('HINCRBY', key, how, 1)
  end
  batch_look(own, id, now, rq)
  return true
end

-- An ended job is queued again. What stopped by itself goes on.
local function batch_again(own, id, job_id)
  local key = own .. 'batch:' .. id
  if redis.call('EXISTS', key) == 0 then return end
  if redis.call('ZREM', key .. ':failed', job_id) + redis.call('ZREM', key .. ':skipped', job_id) == 0 then return end
  redis.call('SADD', key .. ':open', job_id)
  local by = redis.call('HGET', key, 'cancelled_by')
  if by == 'failure' or by == 'sender' then redis.call('HDEL', key, 'cancelled_at', 'cancelled_by') end
  batch_reopen(own, id)
end
