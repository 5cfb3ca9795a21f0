-- What `retry` and `act` share: move one failed job back to the end of its queue. A unique one takes its lock again, or
-- stays failed. Given: the job's id, RQ's failed registry of the queue, the job's hash, the queue, RQ's set of queues,
-- the time of queueing (RQ's form), the start of the keys of jobs, the start of the keys of locks.
-- '1' queued, '0' not failed (any more), else the id of the job that holds the lock.
local function retry_one(id, failed, job, queue, queues, queued_at, jobs, locks, own)
  local call = redis.call
  if not call('ZSCORE', failed, id) then return '0' end
  if call('EXISTS', job) == 0 then
    call('ZREM', failed, id)
    return '0'
  end

  -- Statuses of a job that has ended: whoever ran it may not know of the lock.
  local ENDED = {finished = true, failed = true, stopped = true, canceled = true}
  local fine, terms = pcall(cjson.decode, call('HGET', job, 'horizon') or '{}')
  local key = fine and type(terms) == 'table' and terms.unique_key
  if type(key) == 'string' and key ~= '' then
    local lock = locks .. key
    local holder = call('GET', lock)
    if holder and holder ~= id then
      local status = call('HGET', jobs .. holder, 'status')
      if status and not ENDED[status] then return holder end
    end
    call('SET', lock, id, 'EX', math.max(1, math.floor(tonumber(terms.unique_seconds) or 1)))
  end

  call('ZREM', failed, id)
  call('HSET', job, 'status', 'queued', 'enqueued_at', queued_at, 'started_at', '', 'ended_at', '', 'worker_name', '')
  call('HDEL', job, 'exc_info')
  call('PERSIST', job)
  call('SADD', queues, queue)
  call('RPUSH', queue, id)
  local batch = batch_of(job)
  if batch ~= '' then batch_again(own, batch, id) end
  return '1'
end
