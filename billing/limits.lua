-- Decide one request over every limit of its account and key: all of them count it, or none does.
--
-- KEYS  the account's log, its leases, its full day, the key's log
-- ARGV  lease, its life in us, requests at once, requests a day,
--       requests and window in us of the account, the same of the key, stamps kept,
--       life of the account's log and of the key's in ms, wait for a running request to end in us;
--       a limit that is absent is 0
-- Answers {1, requests in the account's window, now in us} or {0, source, wait in us, reset in us}.

local account_log, leases, full_day, key_log = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local lease, lease_us = ARGV[1], tonumber(ARGV[2])
local concurrency, day_requests = tonumber(ARGV[3]), tonumber(ARGV[4])
local account_requests, account_us = tonumber(ARGV[5]), tonumber(ARGV[6])
local key_requests, key_us = tonumber(ARGV[7]), tonumber(ARGV[8])
local kept, account_log_ms, key_log_ms = tonumber(ARGV[9]), ARGV[10], ARGV[11]
local concurrency_wait_us = tonumber(ARGV[12])

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stamp = string.format('%.0f', now)

local source, wait, reset = nil, -1, -1

local function refuse(by, for_us, until_whole_us)
  if for_us > wait then
    source, wait, reset = by, for_us, until_whole_us
  end
end

-- A stamp ahead of now comes from a clock that was set back since: it counts for one window at most.
local function counts(log, index, window_us)
  local at = tonumber(redis.call('LINDEX', log, index))
  return at and math.abs(now - at) < window_us and at
end

local function judge(by, log, requests, window_us)
  local oldest = counts(log, requests - 1, window_us)
  if oldest then
    local newest = tonumber(redis.call('LINDEX', log, 0))
    refuse(by, oldest + window_us - now, newest + window_us - now)
  end
end

local function used(log, requests, window_us)
  local low, high = 0, math.min(requests, redis.call('LLEN', log))
  while low < high do
    local middle = math.floor((low + high) / 2)
    if counts(log, middle, window_us) then low = middle + 1 else high = middle end
  end
  return low
end

local function write(log, requests, life_ms)
  redis.call('LPUSH', log, stamp)
  redis.call('LTRIM', log, 0, math.max(requests, kept) - 1)
  redis.call('PEXPIRE', log, life_ms)
end

judge('account', account_log, account_requests, account_us)
if key_requests > 0 then
  judge('key', key_log, key_requests, key_us)
end
if day_requests > 0 and tonumber(redis.call('GET', full_day) or 0) >= day_requests then
  local left = redis.call('PTTL', full_day) * 1000
  refuse('account_day', left, left)
end
local running = redis.call('ZCOUNT', leases, '(' .. stamp, '+inf')
if running >= concurrency then
  refuse('concurrency', concurrency_wait_us, concurrency_wait_us)
end
if source then
  return {0, source, wait, reset}
end

write(account_log, account_requests, account_log_ms)
if key_requests > 0 then
  write(key_log, key_requests, key_log_ms)
end
redis.call('ZREMRANGEBYSCORE', leases, '-inf', stamp)
redis.call('ZADD', leases, string.format('%.0f', now + lease_us), lease)
redis.call('PEXPIRE', leases, math.ceil(lease_us / 1000))
return {1, used(account_log, account_requests, account_us), now}
