-- Count jobs that ended without anybody telling their batch: deleted by another program, expired, or run by RQ's own
-- worker. And end the filling of a batch whose sender has died.
--
-- KEYS  1 the batch   2 open batches   ARGV  1 our prefix   2 RQ's prefix   3 id   4 most jobs to look at
-- Result how many jobs were counted
local call = redis.call
local own, rq, id = ARGV[1], ARGV[2], ARGV[3]
if call('EXISTS', KEYS[1]) == 0 then
  call('SREM', KEYS[2], id)
  return 0
end
local now = tonumber(call('TIME')[1])
local ENDED = {finished = 'succeeded', failed = 'failed', stopped = 'failed', canceled = 'skipped'}
local counted = 0
-- At random: of a large batch that moves on nobody need be told, and of what is left over in the end all are seen.
for _, job_id in ipairs(call('SRANDMEMBER', KEYS[1] .. ':open', ARGV[4])) do
  local status = redis.pcall('HGET', rq .. ':job:' .. job_id, 'status')
  local how = not status and 'dropped' or type(status) == 'string' and ENDED[status]
  if how and batch_end(own, id, job_id, how, now, rq) then counted = counted + 1 end
end
local till = tonumber(call('HGET', KEYS[1], 'filling_until') or '')
if till and till < now then
  call('HDEL', KEYS[1], 'filling_until')
  batch_cancel(own, id, now, 'sender')
  batch_fire(own, id, 'catch', now, rq)
  batch_look(own, id, now, rq)
end
return counted
