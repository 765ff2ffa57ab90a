-- Give the slots of one provider to those who wait: account after account, each in its own order.
--
-- KEYS  what the provider's keys begin with
-- ARGV  1 the process; 2 the life of a lease in us; 3 how long a process may be silent, in us;
--       4 the pool: [[credential, slots], …]; 5 who came: [[ticket, account, [credential, …]], …];
--       6 who left: [ticket, …]; 7 leases to prolong: [[ticket, credential], …]
-- Answers {what this process was granted: ticket, credential, …; what is taken: credential, slots, …}.

local prefix = KEYS[1]
local process, lease_us, silence_us = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local pool, came = cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
local left, held = cjson.decode(ARGV[6]), cjson.decode(ARGV[7])
local accounts, records, processes = prefix .. ':accounts', prefix .. ':tickets', prefix .. ':processes'
local REST_MS = 60000

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function at(us) return string.format('%.0f', us) end
local function leases(credential) return prefix .. ':leases:' .. credential end
local function queue(account) return prefix .. ':queue:' .. account end
local function inbox(owner) return prefix .. ':inbox:' .. owner end

local function lease(credential, ticket)
  redis.call('ZADD', leases(credential), at(now + lease_us), ticket)
  redis.call('PEXPIRE', leases(credential), math.ceil(lease_us / 1000))
end

local function forget(account, ticket)
  redis.call('LREM', queue(account), 1, ticket)
  redis.call('HDEL', records, ticket)
end

redis.call('ZREMRANGEBYSCORE', processes, '-inf', at(now))
redis.call('ZADD', processes, at(now + silence_us), process)
redis.call('PEXPIRE', processes, REST_MS)

for _, one in ipairs(held) do lease(one[2], one[1]) end

local slots, taken = {}, {}
for _, one in ipairs(pool) do
  local credential = one[1]
  redis.call('ZREMRANGEBYSCORE', leases(credential), '-inf', at(now))
  for _, ticket in ipairs(left) do redis.call('ZREM', leases(credential), ticket) end
  slots[credential], taken[credential] = one[2], redis.call('ZCARD', leases(credential))
end

for _, ticket in ipairs(left) do
  local record = redis.call('HGET', records, ticket)
  if record then forget(cjson.decode(record)[1], ticket) end
  redis.call('HDEL', inbox(process), ticket)
end

local function has_slot(ticket)
  for credential in pairs(slots) do
    if redis.call('ZSCORE', leases(credential), ticket) then return true end
  end
  return false
end

for _, one in ipairs(came) do
  local ticket, account = one[1], one[2]
  -- A process tells again and again who waits, lest they be forgotten: most are known, some are served.
  if not has_slot(ticket) then
    if redis.call('HSETNX', records, ticket, cjson.encode({account, process, one[3]})) == 1 then
      redis.call('RPUSH', queue(account), ticket)
      redis.call('ZADD', accounts, 'NX', at(now), account)
    end
    redis.call('PEXPIRE', queue(account), REST_MS)
  end
end
redis.call('PEXPIRE', records, REST_MS)
redis.call('PEXPIRE', accounts, REST_MS)

local function has_room()
  for credential, count in pairs(slots) do
    if taken[credential] < count then return true end
  end
  return false
end

local function best(credentials)
  local found, least
  for _, credential in ipairs(credentials) do
    local count = slots[credential]
    if count and taken[credential] < count then
      local share = taken[credential] / count
      if not least or share < least then found, least = credential, share end
    end
  end
  return found
end

-- Serve the first ticket of an account that fits; those of a process that is gone are dropped.
local function serve(account)
  local place = 0
  while true do
    local ticket = redis.call('LINDEX', queue(account), place)
    if not ticket then return false end
    local text = redis.call('HGET', records, ticket)
    local record = text and cjson.decode(text)
    if not record or not redis.call('ZSCORE', processes, record[2]) then
      forget(account, ticket)
    else
      local credential = best(record[3])
      if credential then
        forget(account, ticket)
        lease(credential, ticket)
        taken[credential] = taken[credential] + 1
        redis.call('HSET', inbox(record[2]), ticket, credential)
        redis.call('PEXPIRE', inbox(record[2]), math.ceil(lease_us / 1000))
        return true
      end
      place = place + 1
    end
  end
end

local turn, has_served = now, true
while has_served and has_room() do
  has_served = false
  for _, account in ipairs(redis.call('ZRANGE', accounts, 0, -1)) do
    if not has_room() then break end
    if serve(account) then
      has_served, turn = true, turn + 1
      redis.call('ZADD', accounts, at(turn), account)
    end
    if redis.call('LLEN', queue(account)) == 0 then redis.call('ZREM', accounts, account) end
  end
end

local granted = redis.call('HGETALL', inbox(process))
redis.call('DEL', inbox(process))
local counts = {}
for credential, count in pairs(taken) do
  counts[#counts + 1] = credential
  counts[#counts + 1] = count
end
return {granted, counts}
