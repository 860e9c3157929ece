-- What users, models and classes have used over all nodes. The formula is quota_store (tests/sim/limits_store.c).
-- u:<count>  "second requests prompt output" of each second that counts;  d:<count>  the same of the day, by its thirtieth
-- s:<count>  hash: node -> streams that it has;  c:<node>  its last call
-- hot        zset: counts of which less than half is left, by when that was said
-- ARGV: node, number of this call, of the one before it that got no answer (0: none), since when hot is asked, lease of a
--       node, "span bits" of each limit, then a text for each count: id, its limits, nine debts, streams, how many wait,
--       what all of them need and what the first needs (prompt, output), nine debts of the call without an answer.
local prefix = KEYS[1]
local time = redis.call('TIME')
local second = tonumber(time[1])
local now = second * 1000 + math.floor(time[2] / 1000)
local node, lease = ARGV[1], tonumber(ARGV[5])
local AT_ONCE, MINUTE = 0, 1
local spans, bits, alive = {}, {}, {}

for s, b in string.gmatch(ARGV[6], '(%d+) (%d+)') do
  spans[#spans + 1] = tonumber(s)
  bits[#bits + 1] = tonumber(b)
end

local function counts(limit, unit)
  return math.floor(bits[limit] / 2 ^ (unit - 1)) % 2 == 1
end

local function of(n, limit)
  local sum = 0
  for unit = 1, 3 do
    if counts(limit, unit) then sum = sum + n[unit] end
  end
  return sum
end

local function read(key, width, span)
  local text = redis.pcall('GET', key)
  local w = {key = key, width = width, span = span, was = type(text) == 'string'}
  if not w.was then
    if type(text) == 'table' then redis.call('DEL', key) end
    return w
  end
  for t, a, b, c in string.gmatch(string.sub(text, 1, 4096), '(%d+) (%d+) (%d+) (%d+)') do
    local at = tonumber(t)
    if at <= second + 1 and second - at <= span and #w < 64 then
      w[#w + 1] = {math.min(tonumber(a), 1e12), math.min(tonumber(b), 1e12), math.min(tonumber(c), 1e12), at = at}
    end
  end
  return w
end

local function write(w, ttl)
  local words = {}
  for _, p in ipairs(w) do
    if p[1] + p[2] + p[3] > 0 then words[#words + 1] = string.format('%d %d %d %d', p.at, p[1], p[2], p[3]) end
  end
  if #words > 0 then
    redis.call('SET', w.key, table.concat(words, ' '), 'PX', ttl)
  elseif w.was then
    redis.call('DEL', w.key)
  end
end

local function take(w, unit, n, from, to, step)
  for i = from, to, step do
    local x = math.min(n, w[i][unit])
    w[i][unit] = w[i][unit] - x
    n = n - x
  end
end

local function add(w, n)
  for unit = 1, 3 do
    local last = w[#w]
    if n[unit] > 0 then
      if not last or math.floor(last.at / w.width) ~= math.floor(second / w.width) then
        last = {0, 0, 0}
        w[#w + 1] = last
      end
      last.at = second
      last[unit] = last[unit] + n[unit]
    elseif n[unit] < 0 then
      take(w, unit, -n[unit], #w, 1, -1)
    end
  end
end

local function sum(w)
  local s = {0, 0, 0}
  for _, p in ipairs(w) do
    for unit = 1, 3 do s[unit] = s[unit] + p[unit] end
  end
  return s
end

local function ends(p, w) return math.max(1, (p.at + w.span + 1) * 1000 - now) end

-- Until no more than `room` of this limit counts; 0: it is so.
local function wait(w, limit, room)
  local s = of(sum(w), limit)
  for _, p in ipairs(w) do
    if s <= room then return 0 end
    s = s - of(p, limit)
    if s <= room then return ends(p, w) end
  end
  return 0
end

local function lives(id)
  if alive[id] == nil then
    local at = redis.call('ZSCORE', prefix .. 'nodes', id)
    alive[id] = at and tonumber(at) > now - lease or false
  end
  return alive[id]
end

local function streams_elsewhere(key)
  local all, others, mine = redis.pcall('HGETALL', key), 0, false
  if all.err then
    redis.call('DEL', key)
    return 0, false
  end
  for i = 1, #all, 2 do
    if all[i] == node then
      mine = true
    elseif lives(all[i]) then
      others = others + math.min(math.max(0, tonumber(all[i + 1]) or 0), 1e6)
    else
      redis.call('HDEL', key, all[i])
    end
  end
  return others, mine
end

local function count(text, done)
  local id, n = string.match(text, '^(%x+) (.*)$')
  local v = {}
  for x in string.gmatch(n, '%S+') do v[#v + 1] = tonumber(x) end
  local L = #spans
  local m, d, by_day = read(prefix .. 'u:' .. id, 1, 60), nil, false
  for l = 1, L do by_day = by_day or (v[l] > 0 and spans[l] > MINUTE) end
  d = by_day and read(prefix .. 'd:' .. id, 2880, 86400) or {}
  local places = prefix .. 's:' .. id
  local others, had = 0, false
  if v[1] > 0 then others, had = streams_elsewhere(places) end

  local function charge(at)
    add(m, {v[at + 1], v[at + 2], v[at + 3]})
    for unit = 1, 3 do take(m, unit, math.max(0, v[at + 3 + unit]), 1, #m, 1) end
    if by_day then add(d, {v[at + 7], v[at + 8], v[at + 9]}) end
  end
  charge(L)
  if v[L + 16] and not done then charge(L + 15) end

  local streams, waiting = v[L + 10], v[L + 11]
  local need, first = {waiting, v[L + 12], v[L + 13]}, {1, v[L + 14], v[L + 15]}
  local granted = {0, 0, 0}
  local function room(l)
    if spans[l] == AT_ONCE then return v[l] - others - streams - granted[1] end
    return v[l] - of(sum(spans[l] == MINUTE and m or d), l)
  end
  local full, limit, longest = 0, 0, 0
  if waiting > 0 then
    local g = {need[1], need[2], need[3]}
    for unit = 1, 3 do
      for l = 1, L do
        if v[l] > 0 and (counts(l, unit) or (unit == 1 and spans[l] == AT_ONCE)) then
          g[unit] = math.max(0, math.min(g[unit], room(l) - (unit == 3 and counts(l, 2) and g[2] or 0)))
        end
      end
    end
    if g[1] >= 1 and g[2] >= first[2] and g[3] >= first[3] then
      add(m, g)
      if by_day then add(d, g) end
      granted = g
    end
    if granted[1] < need[1] or granted[2] < need[2] or granted[3] < need[3] then
      full = 1
      for l = 1, L do
        local one = spans[l] == AT_ONCE and 1 or of(first, l)
        if v[l] > 0 and room(l) < one then
          local w = spans[l] == AT_ONCE and 0 or wait(spans[l] == MINUTE and m or d, l, math.max(0, v[l] - one))
          if w >= longest then limit, longest = l - 1, w end
        end
      end
    end
  end

  local hot = false
  for l = 1, L do hot = hot or (v[l] > 0 and 2 * room(l) < v[l]) end
  if hot then
    local at = redis.pcall('ZSCORE', prefix .. 'hot', id)
    if type(at) == 'table' then redis.call('DEL', prefix .. 'hot') end
    if type(at) ~= 'string' or tonumber(at) < now - 10000 then redis.call('ZADD', prefix .. 'hot', now, id) end
  end
  if v[1] > 0 and streams + granted[1] > 0 then
    redis.call('HSET', places, node, streams + granted[1])
    redis.call('PEXPIRE', places, 120000)
  elseif had then
    redis.call('HDEL', places, node)
  end
  write(m, 120000)
  if by_day then write(d, 89280000) end
  local s, t = sum(m), sum(d)
  return string.format('%d %d %d %d %d %d %d %d %d %d %d %d %d %d %d', s[1], s[2], s[3], t[1], t[2], t[3], others,
    granted[1], granted[2], granted[3], full, limit, longest, #m > 0 and ends(m[#m], m) or 0, #d > 0 and ends(d[#d], d) or 0)
end

local last = redis.pcall('GET', prefix .. 'c:' .. node)
local done = ARGV[3] ~= '0' and type(last) == 'string' and (tonumber(last) or 0) >= tonumber(ARGV[3])
redis.call('SET', prefix .. 'c:' .. node, ARGV[2], 'PX', 60000)
local answers = {}
for i = 7, #ARGV do answers[i - 6] = count(ARGV[i], done) end

local hot = prefix .. 'hot'
local ids = redis.pcall('ZRANGEBYSCORE', hot, ARGV[4], '+inf', 'LIMIT', 0, 1024)
if ids.err then
  redis.call('DEL', hot)
  ids = {}
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', hot, '-inf', now - 60000, 'LIMIT', 0, 64)) do redis.call('ZREM', hot, id) end
local most = redis.call('ZCARD', hot) - 1024
if most > 0 then
  for _, id in ipairs(redis.call('ZRANGE', hot, 0, math.min(most, 64) - 1)) do redis.call('ZREM', hot, id) end
end
redis.call('PEXPIRE', hot, 120000)
return {now, table.concat(ids, ' '), answers}
