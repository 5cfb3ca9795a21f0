-- Move one failed job back to the end of its queue. A unique one takes its lock again, or stays failed. One of a batch
-- counts as open there again.
--
-- KEYS  1 RQ's failed registry of the queue (or that of cancelled jobs)   2 the job's hash   3 the queue   4 RQ's set of
--       queues
-- ARGV  1 job id   2 time of queueing (RQ's form)   3 start of the keys of jobs   4 start of the keys of locks
--       5 our prefix
-- Result '1' queued, '0' not failed (any more), else the id of the job that holds the lock
local call = redis.call
local id, job = ARGV[1], KEYS[2]
if not call('ZSCORE', KEYS[1], id) then return '0' end
if call('EXISTS', job) == 0 then
  call('ZREM', KEYS[1], id)
  return '0'
end

-- Statuses of a job that has ended: whoever ran it may not know of the lock.
local ENDED = {finished = true, failed = true, stopped = true, canceled = true}
local fine, terms = pcall(cjson.decode, call('HGET', job, 'horizon') or '{}')
local key = fine and type(terms) == 'table' and terms.unique_key
if type(key) == 'string' and key ~= '' then
  local lock = ARGV[4] .. key
  local holder = call('GET', lock)
  if holder and holder ~= id then
    local status = call('HGET', ARGV[3] .. holder, 'status')
    if status and not ENDED[status] then return holder end
  end
  call('SET', lock, id, 'EX', math.max(1, math.floor(tonumber(terms.unique_seconds) or 1)))
end

call('ZREM', KEYS[1], id)
call('HSET', job, 'status', 'queued', 'enqueued_at', ARGV[2], 'started_at', '', 'ended_at', '', 'worker_name', '')
call('HDEL', job, 'exc_info')
call('PERSIST', job)
call('SADD', KEYS[4], KEYS[3])
call('RPUSH', KEYS[3], id)
local batch = batch_of(job)
if batch ~= '' then batch_again(ARGV[5], batch, id) end
return '1'
