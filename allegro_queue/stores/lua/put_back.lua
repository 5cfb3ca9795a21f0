-- Return a job that a dead worker had taken, and whose function was never called, to the front of its queue: as it was.
--
-- KEYS  1 reservations (hash: worker to claim)   2 the queue   3 RQ's set of queues   4 the job's hash
--       5 the execution   6 the job's executions   7 RQ's started registry   8 the worker's executions (set)
--       9 how often in a row this was done to the job
-- ARGV  1 worker   2 the claim as it was read   3 job id   4 execution id   5 how often in a row is too often
--       6 seconds that this is counted
-- Result 1 put back, 0 no longer this worker's, 2 too often: nothing was changed, and the job counts as begun
local call = redis.call
if call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
local times = call('INCR', KEYS[9])
call('EXPIRE', KEYS[9], ARGV[6])
if times > tonumber(ARGV[5]) then
  call('DEL', KEYS[9])
  return 2
end
call('HDEL', KEYS[1], ARGV[1])
call('DEL', KEYS[5])
call('ZREM', KEYS[6], ARGV[4])
call('ZREM', KEYS[7], ARGV[3] .. ':' .. ARGV[4])
call('SREM', KEYS[8], ARGV[3] .. ':' .. ARGV[4])
if call('EXISTS', KEYS[4]) == 0 then return 1 end
call('HSET', KEYS[4], 'status', 'queued', 'started_at', '', 'worker_name', '', 'last_heartbeat', '')
-- Taking it made it stay; a job that may only wait so long waits on.
local ttl = tonumber(call('HGET', KEYS[4], 'ttl') or '')
if ttl and ttl > 0 and ttl <= 315360000 then call('EXPIRE', KEYS[4], math.ceil(ttl)) end
call('SADD', KEYS[3], KEYS[2])
call('LPUSH', KEYS[2], ARGV[3])
return 1
