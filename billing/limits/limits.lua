-- Decide one request over every limit of its account and key: all of them count it, or none does.
--
-- KEYS  the account's log, its leases, its full day, the key's log, the log of a slowed key, the key's leases
-- ARGV  lease, its life in us, requests at once, requests a day,
--       requests and window in us of the account, the same of the key, stamps kept,
--       life of the account's log and of the key's in ms, wait for a running request to end in us,
--       1 to count the request, 0 to judge it only,
--       requests and window in us of the slowed key, requests at once of the key;
--       a limit that is absent is 0; a request without one on those at once takes no lease
-- Answers {1, requests in the account's window, now in us, requests in the key's window}
-- or {0, source, wait in us, reset in us}.

local account_log, leases, full_day, key_log = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local slowed_log, key_leases = KEYS[5], KEYS[6]
local lease, lease_us = ARGV[1], tonumber(ARGV[2])
local concurrency, day_requests = tonumber(ARGV[3]), tonumber(ARGV[4])
local account_requests, account_us = tonumber(ARGV[5]), tonumber(ARGV[6])
local key_requests, key_us = tonumber(ARGV[7]), tonumber(ARGV[8])
local kept, account_log_ms, key_log_ms = tonumber(ARGV[9]), ARGV[10], ARGV[11]
local concurrency_wait_us = tonumber(ARGV[12])
local is_counted = ARGV[13] == '1'
local slowed_requests, slowed_us = tonumber(ARGV[14]), tonumber(ARGV[15])
local key_concurrency = tonumber(ARGV[16])

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
  -- Most logs have few stamps in their window: look near the newest first, in steps that double.
  local low, step = 0, 1
  while low + step <= requests and counts(log, low + step - 1, window_us) do
    low, step = low + step, 2 * step
  end
  local high = math.min(requests, low + step - 1)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if counts(log, middle, window_us) then low = middle + 1 else high = middle end
  end
  return low
end

local function write(log, requests, life_ms)
  local most = math.max(requests, kept)
  if redis.call('LPUSH', log, stamp) > most then redis.call('LTRIM', log, 0, most - 1) end
  redis.call('PEXPIRE', log, life_ms)
end

judge('account', account_log, account_requests, account_us)
if key_requests > 0 then
  judge('key', key_log, key_requests, key_us)
end
if slowed_requests > 0 then
  judge('key_slowed', slowed_log, slowed_requests, slowed_us)
end
if day_requests > 0 and tonumber(redis.call('GET', full_day) or 0) >= day_requests then
  local left = redis.call('PTTL', full_day) * 1000
  refuse('account_day', left, left)
end

local function judge_leases(by, of, most)
  if most > 0 and redis.call('ZCOUNT', of, '(' .. stamp, '+inf') >= most then
    refuse(by, concurrency_wait_us, concurrency_wait_us)
  end
end

judge_leases('key_concurrency', key_leases, key_concurrency)
judge_leases('concurrency', leases, concurrency)
if source then
  return {0, source, wait, reset}
end

local function allowed()
  local of_key = key_requests > 0 and used(key_log, key_requests, key_us) or 0
  return {1, used(account_log, account_requests, account_us), now, of_key}
end

if not is_counted then
  return allowed()
end

write(account_log, account_requests, account_log_ms)
if key_requests > 0 then
  write(key_log, key_requests, key_log_ms)
end
if slowed_requests > 0 then
  write(slowed_log, slowed_requests, math.ceil(slowed_us / 1000))
end

local function take_lease(of, most)
  if most > 0 then
    redis.call('ZREMRANGEBYSCORE', of, '-inf', stamp)
    redis.call('ZADD', of, string.format('%.0f', now + lease_us), lease)
    redis.call('PEXPIRE', of, math.ceil(lease_us / 1000))
  end
end

take_lease(leases, concurrency)
take_lease(key_leases, key_concurrency)
return allowed()
