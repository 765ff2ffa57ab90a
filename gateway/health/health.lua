-- Count, take or use the lock of those who write, and answer with all that is known.
-- What follows from a request is decided in breaker.py; here nothing is decided.
--
-- KEYS  a hash of the breakers: part → JSON
-- ARGV  1 the time in ms, "" for Redis's own; 2 additions to the windows: part, tab, figure, amount, …;
--       3 the token of who writes, "" for a reader; 4 breakers to write before the lock is given back:
--       part, JSON, …; "" to take the lock
-- Answers {now, 1 where the lock was the writer's, breakers, windows}: part, JSON, …; {bucket, part, tab,
-- figure, amount, …}, …. The names in capitals stand before it: see store_redis.py.

local key, lock = KEYS[1], KEYS[1] .. ':lock'
local now, additions, token = tonumber(ARGV[1]), cjson.decode(ARGV[2]), ARGV[3]

if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local bucket = math.floor(now / BUCKET_MS)

local function window(age)
  return key .. ':window:' .. string.format('%.0f', bucket - age)
end

for index = 1, #additions, 2 do
  redis.call('HINCRBY', window(0), additions[index], additions[index + 1])
end
if #additions > 0 then redis.call('PEXPIRE', window(0), 2 * BUCKETS * BUCKET_MS) end

local has_lock = 0
if token ~= '' and ARGV[4] == '' then
  if not redis.call('SET', lock, token, 'NX', 'PX', LOCK_MS) then return {now, 0, {}, {}} end
  has_lock = 1
elseif token ~= '' and redis.call('GET', lock) == token then
  local breakers = cjson.decode(ARGV[4])
  for index = 1, #breakers, 2 do redis.call('HSET', key, breakers[index], breakers[index + 1]) end
  redis.call('DEL', lock)
  has_lock = 1
end
redis.call('PEXPIRE', key, 2 * IDLE_MS)

local windows = {}
for age = 0, BUCKETS - 1 do
  local figures = redis.call('HGETALL', window(age))
  if #figures > 0 then
    table.insert(figures, 1, bucket - age)
    windows[#windows + 1] = figures
  end
end
return {now, has_lock, redis.call('HGETALL', key), windows}
