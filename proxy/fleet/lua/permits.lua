-- Permits of one upstream: a counting semaphore with leases. The formula is fleet_permits (proxy/decide/fleet.c).
-- p:<upstream>  hash: node -> "held used pending weight", and their sum; since when, if Redis had lost it
-- t:<upstream>  zset: node by when it asked last;  w: who waits, by time;  h: the same by rank
local prefix = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = 60000

local function four(s)
  local a, b, c, d = string.match(s or '', '^(%d+) (%d+) (%d+) (%d+)$')
  local function bounded(x) return math.min(tonumber(x or 0), 1e9) end
  return {bounded(a), bounded(b), bounded(c), bounded(d)}
end

local function less(sum, part)
  for i = 1, 4 do sum[i] = math.max(0, sum[i] - part[i]) end
end

local function stops_waiting(u, id)
  redis.call('ZREM', prefix .. 'h:' .. u, id)
  redis.call('ZREM', prefix .. 'w:' .. u, id)
end

local function forget(u, id, sum)
  local p = prefix .. 'p:' .. u
  less(sum, four(redis.call('HGET', p, id)))
  redis.call('HDEL', p, id)
  redis.call('ZREM', prefix .. 't:' .. u, id)
  stops_waiting(u, id)
end

-- At most so many a call: the work does not grow with the fleet.
-- Where a key is of another type, the first call that reads it fails: all are read before anything is written, so that
-- no half of this is done.
local function forget_silent(u, id, sum, lease, recent)
  local t, w = prefix .. 't:' .. u, prefix .. 'w:' .. u
  local gone = redis.call('ZRANGEBYSCORE', t, '-inf', now - lease, 'LIMIT', 0, 4)
  local done = redis.call('ZRANGEBYSCORE', w, '-inf', now - recent, 'LIMIT', 0, 16)
  redis.call('ZREM', prefix .. 'h:' .. u, id)
  for _, other in ipairs(gone) do
    if other ~= id then forget(u, other, sum) end
  end
  for _, other in ipairs(done) do stops_waiting(u, other) end
end

local function granted(a, others, nodes)
  local all = others.weight + a.weight
  local share = all > 0 and a.weight / all or 1 / math.max(1, nodes)
  local free = a.total - others.held - a.used
  local divided = math.min(a.total, 1.25 * (others.held + a.used + math.max(math.ceil(a.p), nodes)))
  local fair = divided * share
  local unused = math.max(0, others.held - others.used)
  local open = math.ceil(a.p) - others.pending - unused - a.pending
  local left = math.min(free, open)
  local spare = math.floor(math.max(0, math.min(free / 2, open) * share))
  if others.better > 0 or (others.equal > 0 and a.used >= fair) then
    spare = 0
  elseif spare < 1 and others.equal == 0 and left + (2 * free >= a.total and left >= 1 and unused or 0) >= nodes then
    spare = 1
  end
  local room = math.min(free, open) - spare
  if a.used > fair then room = room - others.equal end
  if others.better > 0 then room = math.min(room, free - others.better) end
  local held = a.used + spare + math.min(a.waiting, math.max(0, room))
  return math.floor(math.max(a.used, math.min(held, a.most)))
end

-- a: used, pending, waiting, rank, weight (a thousandth an arrival a second), most (-1: no bound; -2: nor was half of the
--    places in use for a lease), total, p
local function ask(u, id, a, nodes, lease, recent)
  local p, t, h, w = prefix .. 'p:' .. u, prefix .. 't:' .. u, prefix .. 'h:' .. u, prefix .. 'w:' .. u
  local have = redis.call('HMGET', p, 'sum', id, 'lost')
  local sum = four(have[1])
  less(sum, four(have[2]))
  forget_silent(u, id, sum, lease, recent)
  redis.call('ZREM', w, id)
  local first = redis.call('ZRANGE', h, 0, 0, 'WITHSCORES')
  local others = {
    held = sum[1], used = sum[2], pending = sum[3], weight = sum[4],
    better = redis.call('ZCOUNT', h, '-inf', '(' .. a.rank),
    equal = redis.call('ZCOUNT', h, a.rank, a.rank),
    rank = tonumber(first[2] or -1),
  }
  -- Nothing is here, and a node goes by a plan: until the others have spoken as well, what they use looks free.
  if not have[1] and a.epoch > 0 then
    have[3] = now
    redis.call('HSET', p, 'lost', now)
  end
  if not a.roomy and now - (tonumber(have[3]) or 0) < lease * 2 / 3 then a.most = math.min(a.most, a.used) end
  local held = granted(a, others, nodes)
  if a.used + a.waiting > held then
    redis.call('ZADD', h, a.rank, id)
    redis.call('ZADD', w, now, id)
    redis.call('PEXPIRE', h, kept)
    redis.call('PEXPIRE', w, kept)
  end
  local function joined(x) return string.format('%d %d %d %d', x[1], x[2], x[3], x[4]) end
  local mine = {held, a.used, a.pending, a.weight}
  redis.call('HSET', p, id, joined(mine), 'sum',
    joined({sum[1] + mine[1], sum[2] + mine[2], sum[3] + mine[3], sum[4] + mine[4]}))
  redis.call('ZADD', t, now, id)
  redis.call('PEXPIRE', p, kept)
  redis.call('PEXPIRE', t, kept)
  return {held, others.held, others.used, others.pending, others.weight, others.better, others.equal, others.rank}
end

-- A plan in force is "epoch total p at|text". The node's own numbers count while there is none.
local function asked(at, plan)
  local n = {}
  for i = 1, 9 do n[i] = tonumber(ARGV[at + i]) end
  if not plan or #plan > 4096 then plan = '' end
  local epoch, total, p = string.match(plan, '^(%d+) (%d+) (%d+) %d+|')
  local a = {used = n[1], pending = n[2], waiting = n[3], rank = n[4], weight = n[5],
    most = n[6] < 0 and 1e9 or n[6], total = math.min(tonumber(total or n[7]), 1e9), p = math.min(tonumber(p or n[8]), 1e9),
    epoch = n[9], roomy = n[6] == -2}
  return ARGV[at], a, epoch and tonumber(epoch) > n[9] and plan or ''
end
