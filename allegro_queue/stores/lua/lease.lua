-- Renew what says that a running job is not abandoned; nothing happens once the job has ended or was settled.
--
-- KEYS  1 reservations (hash: worker to claim)   2 the worker's hash   3 the worker's executions (set)
--       4 the execution   5 the job's executions   6 RQ's started registry   7 the job's hash
-- ARGV  1 worker   2 claim   3 job id   4 execution id   5 lease in seconds   6 seconds that the worker's hash lives
-- Result 1 renewed, 0 not this worker's (any more)
local call = redis.call
if call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
local time = call('TIME')
local now, microseconds = tonumber(time[1]), tonumber(time[2])
local at, lease = moment(now, microseconds), tonumber(ARGV[5])
call('HSET', KEYS[2], 'last_heartbeat', at)
call('EXPIRE', KEYS[2], ARGV[6])
call('EXPIRE', KEYS[3], math.max(lease + 60, tonumber(ARGV[6])))
call('HSET', KEYS[4], 'last_heartbeat', string.format('%d.%06d', now, microseconds))
call('EXPIRE', KEYS[4], lease)
call('ZADD', KEYS[5], 'XX', now + lease + 60, ARGV[4])
call('EXPIRE', KEYS[5], lease + 60)
call('ZADD', KEYS[6], 'XX', now + lease, ARGV[3] .. ':' .. ARGV[4])
if call('EXISTS', KEYS[7]) == 1 then call('HSET', KEYS[7], 'last_heartbeat', at) end
return 1
