-- An operator's command, if none newer is there for the same thing. ARGV: what, when it was given (ms of this clock),
-- when it ends (0: it does not), the rest of it, how many may be kept.
local prefix = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local orders, version = prefix .. 'orders', prefix .. 'orders.v'
local given, ends = math.min(tonumber(ARGV[2]), now + 1000), tonumber(ARGV[3])

local function ended(value)
  local e = tonumber(string.match(value, '^%d+ (%d+) ') or 1)
  return e ~= 0 and e <= now
end

local old = redis.call('HGET', orders, ARGV[1])
if old and tonumber(string.match(old, '^(%d+) ') or 0) >= given then return 0 end
if redis.call('HLEN', orders) >= tonumber(ARGV[5]) then
  local all = redis.call('HGETALL', orders)
  for i = 1, #all, 2 do
    if ended(all[i + 1]) then redis.call('HDEL', orders, all[i]) end
  end
  if redis.call('HLEN', orders) >= tonumber(ARGV[5]) and not old then return -1 end
end
redis.call('HSET', orders, ARGV[1], string.format('%d %d %s', given, ends, ARGV[4]))
-- Begun at the time, so that the number is another one after Redis was emptied.
local v = redis.call('GET', version)
if not v or #v > 17 or not string.match(v, '^%d+$') then redis.call('SET', version, string.format('%d', now * 1000)) end
redis.call('INCR', version)
return 1
