-- Functions for the scripts beside this file, put in front of them when they are loaded: what is kept of an entry.
-- A state is one field (JSON) of the hash of entries; an account is one item (JSON) of the entry's list, newest first.

local function decoded(text)
  if not text then return nil end
  local fine, value = pcall(cjson.decode, text)
  return fine and type(value) == 'table' and value or nil
end

local function state_of(entries, name)
  return decoded(redis.call('HGET', entries, name)) or {}
end

-- Put an account in front. Ticks that were not run for the same reason as the newest ones are added to these, so that
-- a long pause does not push all runs out of the list.
local function account(list, item, kept)
  local newest = redis.pcall('LINDEX', list, 0)
  if type(newest) == 'table' then
    -- Not a list: somebody else's doing, which must not cost a run.
    redis.call('DEL', list)
    newest = nil
  end
  if item.job_id == '' then
    newest = decoded(newest)
    if newest and newest.job_id == '' and newest.what == item.what and newest.reason == item.reason then
      item.count = item.count + newest.count
      item.since = newest.since or newest.due_at
      redis.call('LSET', list, 0, cjson.encode(item))
      return
    end
  end
  redis.call('LPUSH', list, cjson.encode(item))
  redis.call('LTRIM', list, 0, kept - 1)
end
