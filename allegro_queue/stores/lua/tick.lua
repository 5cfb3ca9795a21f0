-- An entry is due: set its next time and queue its runs, each a job of its own, or say why not. All of it or nothing.
--
-- KEYS  1 rq-scheduler's set   2 the entry's hash   3 the queue   4 RQ's set of queues   5 entries (hash: name to state)
--       6 the entry's accounts   7 paused entries (hash: name to pause)   8 open runs (hash: job to entry)
--       9 fence (number of the last leader)   10... the hash of each run's job
-- ARGV  1 what is to be done (JSON)   2 the entry's new meta ('' to leave it)   3... fields of the jobs' hashes
-- Result 1 queued, 2 not queued and told why, 0 somebody else did it, -1 another scheduler leads now
local call = redis.call
local todo = cjson.decode(ARGV[1])
if todo.fence > 0 and tonumber(call('GET', KEYS[9]) or '0') > todo.fence then return -1 end
local due = call('ZSCORE', KEYS[1], todo.id)
if not due or tonumber(due) ~= tonumber(todo.due) then return 0 end

if todo.next ~= '' then
  call('ZADD', KEYS[1], todo.next, todo.id)
  if ARGV[2] ~= '' then call('HSET', KEYS[2], 'meta', ARGV[2]) end
else
  call('ZREM', KEYS[1], todo.id)
  call('DEL', KEYS[2])
end

local state = state_of(KEYS[5], todo.name)
local now = tonumber(todo.now)
local ran = 0
local function tell(what, count, reason, said, at)
  state.last = {what = what, due_at = at, at = now, job_id = '', reason = reason, reason_said = said, count = count}
  state[what] = (state[what] or 0) + count
  account(KEYS[6], state.last, todo.kept)
end
-- Why, in English and as a telling (JSON).
local function because(word, places)
  local message = todo.words[word]
  local english = string.gsub(message, '{(%w+)}', places)
  return english, cjson.encode({one = message, many = '', number = 1, places = places})
end
local function why_not()
  local pause = decoded(call('HGET', KEYS[7], todo.name))
  if pause then
    if type(pause['until']) ~= 'number' or pause['until'] > now then
      local word = 'paused' .. (pause.by ~= '' and '_by' or '') .. (pause.reason ~= '' and '_for' or '')
      return because(word, {who = pause.by, reason = pause.reason})
    end
    call('HDEL', KEYS[7], todo.name)
  end
  if todo.alone then
    for _, job in ipairs({state.job or '', state.hand or ''}) do
      local status = job ~= '' and call('HGET', todo.job_prefix .. job, 'status')
      if status and todo.under_way[status] then return because('under_way', {}) end
    end
  end
end

if todo.missed > 0 then tell('missed', todo.missed, todo.missed_reason, todo.missed_said, tonumber(todo.due)) end
if #todo.runs > 0 then
  local reason, said = why_not()
  if reason then
    tell('skipped', #todo.runs, reason, said, todo.runs[#todo.runs].due_at)
  else
    for place, run in ipairs(todo.runs) do
      local job = KEYS[9 + place]
      if call('EXISTS', job) == 1 then
        local had, had_said = because('had', {})
        tell('skipped', 1, had, had_said, run.due_at)
      else
        call('HSET', job, unpack(ARGV, 3))
        if todo.life > 0 then call('EXPIRE', job, todo.life) end
        call('SADD', KEYS[4], KEYS[3])
        call(todo.front and 'LPUSH' or 'RPUSH', KEYS[3], run.job_id)
        call('HSET', KEYS[8], run.job_id, todo.name)
        state.last = {what = 'run', due_at = run.due_at, at = now, job_id = run.job_id, reason = '', count = 1}
        account(KEYS[6], state.last, todo.kept)
        state.job, state.error, state.error_said = run.job_id, '', nil
        ran = ran + 1
      end
    end
    state.runs = (state.runs or 0) + ran
  end
end
call('HSET', KEYS[5], todo.name, cjson.encode(state))
return ran > 0 and 1 or 2
