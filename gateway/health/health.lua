-- Book what came of requests, take and prolong probes, and answer with all that is known.
-- The transitions are those of breaker.py; a test holds the two against each other.
--
-- KEYS  the breakers
-- ARGV  1 the time in ms, "" for Redis's own; 2 additions to the windows: part, tab, figure, amount, …;
--       3 events: [part, effect, route, probe, retry after in ms], …; 4 parts whose probes are wanted;
--       5 the token of whoever wants them; 6 probes to prolong: [part, token], …; 7 "1" for the windows
-- Answers {now, 1 where the probes were granted, breakers, windows}: part, JSON, …; {bucket, part, tab,
-- figure, amount, …}, …. The names in capitals stand before it: see store_redis.py.

local BREAKERS_LIFE_MS, WINDOW_LIFE_MS = 2 * IDLE_MS, 2 * BUCKETS * BUCKET_MS

local key = KEYS[1]
local additions, events = cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local wanted, token, renewals = cjson.decode(ARGV[4]), ARGV[5], cjson.decode(ARGV[6])

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function window_name(age)
  return key .. ':window:' .. string.format('%.0f', math.floor(now / BUCKET_MS) - age)
end

local function closed()
  return {
    failures = 0, first_route = '', is_spread = false, openings = 0, refusals = 0, open_until_ms = 0,
    oks = 0, probe = '', probe_until_ms = 0, busy_until_ms = 0, failed_at_ms = 0, touched_ms = 0,
  }
end

local function read(part)
  local text = redis.call('HGET', key, part)
  local breaker = text and cjson.decode(text)
  if not breaker or now - breaker.touched_ms > IDLE_MS then return closed() end
  return breaker
end

local function write(part, breaker)
  redis.call('HSET', key, part, cjson.encode(breaker))
end

local function is_out(breaker)
  return breaker.open_until_ms > 0 and math.max(breaker.open_until_ms, breaker.probe_until_ms) > now
end

local function tally(part)
  local ok, bad = 0, 0
  for age = 0, TALLIED_BUCKETS - 1 do
    local found = redis.call('HMGET', window_name(age), part .. '\tok', part .. '\tbad')
    ok, bad = ok + (tonumber(found[1]) or 0), bad + (tonumber(found[2]) or 0)
  end
  return ok + bad, bad
end

local function failed_rest(openings)
  return math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ^ math.min(openings - 1, 20))
end

local function refused_rest(refusals)
  if refusals <= QUICK_REFUSALS then return 0 end
  return math.min(LONGEST_REFUSED_MS, FIRST_REFUSED_MS * 2 ^ math.min(refusals - QUICK_REFUSALS - 1, 20))
end

local function open(breaker, by)
  local rest
  if by == 'bad' then
    breaker.openings = breaker.openings + 1
    rest = failed_rest(breaker.openings)
  else
    breaker.refusals = breaker.refusals + 1
    rest = refused_rest(breaker.refusals)
  end
  breaker.oks, breaker.open_until_ms, breaker.failed_at_ms = 0, now + rest, now
end

local function fail(breaker, part, route, is_probe)
  breaker.failed_at_ms = now
  if breaker.open_until_ms > 0 then
    if is_probe then open(breaker, 'bad') end
    return
  end
  if breaker.failures == 0 then
    breaker.first_route, breaker.is_spread = route, false
  else
    breaker.is_spread = breaker.is_spread or route ~= breaker.first_route
  end
  breaker.failures = breaker.failures + 1
  local is_route = string.sub(part, 1, 2) == 'r/'
  local asked, failed = tally(part)
  if (breaker.failures >= FAILURES_TO_OPEN and (is_route or breaker.is_spread))
    or (is_route and asked >= ASKED_FOR_A_RATIO and 4 * failed >= 3 * asked) then
    open(breaker, 'bad')
  end
end

local function after(breaker, part, effect, route, probe, retry_after)
  local is_probe = probe ~= '' and probe == breaker.probe
  breaker.touched_ms = now
  if is_probe then breaker.probe, breaker.probe_until_ms = '', 0 end
  local is_open = breaker.open_until_ms > 0
  if effect == 'good' and not is_open then
    breaker.failures, breaker.first_route, breaker.is_spread = 0, '', false
  elseif effect == 'good' and is_probe then
    breaker.oks = breaker.oks + 1
    if breaker.oks >= PROBES_TO_CLOSE then
      local busy_until = breaker.busy_until_ms
      breaker = closed()
      breaker.busy_until_ms, breaker.touched_ms = busy_until, now
    end
  elseif effect == 'bad' then
    fail(breaker, part, route, is_probe)
  elseif effect == 'refuse' and (is_probe or not is_open) then
    open(breaker, 'refuse')
  elseif effect == 'busy' then
    breaker.busy_until_ms = math.max(breaker.busy_until_ms, now + retry_after)
  end
  return breaker
end

for index = 1, #additions, 2 do
  redis.call('HINCRBY', window_name(0), additions[index], additions[index + 1])
end
if #additions > 0 then redis.call('PEXPIRE', window_name(0), WINDOW_LIFE_MS) end

for _, event in ipairs(events) do
  local part = event[1]
  write(part, after(read(part), part, event[2], event[3], event[4], event[5]))
end

for _, renewal in ipairs(renewals) do
  local breaker = read(renewal[1])
  if breaker.probe == renewal[2] then
    breaker.probe_until_ms, breaker.touched_ms = now + PROBE_MS, now
    write(renewal[1], breaker)
  end
end

local granted = 1
for _, part in ipairs(wanted) do
  local breaker = read(part)
  if breaker.open_until_ms == 0 or is_out(breaker) then granted = 0 end
end
if granted == 1 then
  for _, part in ipairs(wanted) do
    local breaker = read(part)
    breaker.probe, breaker.probe_until_ms, breaker.touched_ms = token, now + PROBE_MS, now
    write(part, breaker)
  end
end
redis.call('PEXPIRE', key, BREAKERS_LIFE_MS)

local windows = {}
if ARGV[7] == '1' then
  for age = 0, BUCKETS - 1 do
    local figures = redis.call('HGETALL', window_name(age))
    if #figures > 0 then
      table.insert(figures, 1, math.floor(now / BUCKET_MS) - age)
      windows[#windows + 1] = figures
    end
  end
end
return {now, granted, redis.call('HGETALL', key), windows}
